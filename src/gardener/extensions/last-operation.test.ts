import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mergePatched } from '../../../test/kube/merge-patch.ts';
import { LarderError } from '../../kit/errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { CodedError } from './error-codes.ts';
import { failedOperationStatus, startedStatus, succeededStatus } from './last-operation.ts';
import type { ActuatorMethod } from './operation.ts';
import type { OperationType } from './resources.ts';

const NOW = Date.UTC(2026, 10, 30, 20, 0, 7, 900);
const TIME = '2026-11-30T20:00:07Z';

/** Descriptions of the Go library: at the start, after a success, and before the text of an error. */
const TEXTS: readonly [OperationType, ActuatorMethod, string, string, string][] = [
  [
    'Create',
    'reconcile',
    'Reconciling the Extension',
    'Successfully reconciled Extension',
    'Error reconciling Extension: ',
  ],
  [
    'Reconcile',
    'reconcile',
    'Reconciling the Extension',
    'Successfully reconciled Extension',
    'Error reconciling Extension: ',
  ],
  [
    'Delete',
    'delete',
    'Deleting the Extension',
    'Successfully deleted the Extension',
    'Error deleting the Extension: ',
  ],
  [
    'Delete',
    'forceDelete',
    'Deleting the Extension',
    'Successfully deleted the Extension',
    'Error deleting the Extension: ',
  ],
  [
    'Migrate',
    'migrate',
    'Migrate Extension resource.',
    'Successfully migrated Extension resource',
    'Error migrating Extension resource: ',
  ],
  [
    'Restore',
    'restore',
    'Restoring Extension resource',
    'Successfully restored Extension resource',
    'Unable to restore Extension resource: ',
  ],
];

for (const [type, method, started, succeeded, failed] of TEXTS) {
  test(`the status of ${type} by ${method} has the words of the Go extension`, () => {
    const reported = { type, method, now: NOW };
    const base = { type, lastUpdateTime: TIME };
    assert.deepEqual(startedStatus(reported), {
      status: { lastOperation: { ...base, state: 'Processing', progress: 1, description: started } },
    });
    assert.deepEqual(succeededStatus(reported, 4), {
      status: {
        observedGeneration: 4,
        lastOperation: { ...base, state: 'Succeeded', progress: 100, description: succeeded },
        lastError: null,
      },
    });
    const description = `${failed}it broke`;
    assert.deepEqual(failedOperationStatus(reported, 4, new Error('it broke')), {
      status: {
        observedGeneration: 4,
        lastOperation: { ...base, state: 'Error', progress: 50, description },
        lastError: { description, lastUpdateTime: TIME, codes: null, taskID: null },
      },
    });
  });
}

describe('the text of a failure', () => {
  const textOf = (error: unknown): unknown =>
    failedOperationStatus({ type: 'Create', method: 'reconcile', now: NOW }, 1, error).status.lastError;

  test('has no code of ours', () => {
    const { description } = textOf(new LarderError('KUBE_API', 'failed to get cluster: gone')) as {
      description: string;
    };
    assert.equal(description, 'Error reconciling Extension: failed to get cluster: gone');
  });

  test('is what the API server said', () => {
    const error = new KubeError('get x: no (403 Forbidden)', {
      httpStatus: 403,
      reason: 'Forbidden',
      serverMessage: 'x is forbidden',
    });
    assert.equal(
      (textOf(error) as { description: string }).description,
      'Error reconciling Extension: x is forbidden',
    );
  });

  test('is cut, whatever the API server of a shoot has said', () => {
    const { description } = textOf(new LarderError('KUBE_API', 'x'.repeat(1e6))) as { description: string };
    assert.equal(description.length, 16_384);
  });

  test('comes with the codes of its causes', () => {
    const cause = new CodedError('KUBE_API', 'invalid', { gardenerCodes: ['ERR_CONFIGURATION_PROBLEM'] });
    const error = new Error('failed to deploy: invalid', { cause });
    assert.deepEqual((textOf(error) as { codes: unknown }).codes, ['ERR_CONFIGURATION_PROBLEM']);
  });
});

test('on any status a report changes only its own fields, and a success leaves no error', () => {
  const text = fc.string();
  const status = fc.record({
    providerStatus: fc.dictionary(text, text),
    conditions: fc.array(fc.record({ type: text })),
    lastError: fc.option(fc.record({ description: text, taskID: text, codes: fc.array(text) }), {
      nil: undefined,
    }),
    lastOperation: fc.option(fc.record({ type: text, state: text }), { nil: undefined }),
  });
  fc.assert(
    fc.property(status, fc.constantFrom(...TEXTS), text, (before, [type, method], message) => {
      const reported = { type, method, now: NOW };
      const { providerStatus, conditions } = before;
      const after = (patch: { readonly status: object }) =>
        mergePatched({ status: { ...before } }, patch).status;
      for (const patch of [
        startedStatus(reported),
        succeededStatus(reported, 2),
        failedOperationStatus(reported, 2, new Error(message)),
      ]) {
        const { lastOperation, ...rest } = after(patch);
        assert.deepEqual(
          { providerStatus: rest.providerStatus, conditions: rest.conditions },
          { providerStatus, conditions },
        );
        assert.equal(lastOperation?.type, type);
      }
      assert.deepEqual(after(startedStatus(reported)).lastError, before.lastError);
      assert.equal(after(succeededStatus(reported, 2)).lastError, undefined);
      assert.deepEqual(
        Object.keys(after(failedOperationStatus(reported, 2, new Error(message))).lastError ?? {}).toSorted(),
        ['description', 'lastUpdateTime'],
      );
    }),
  );
});
