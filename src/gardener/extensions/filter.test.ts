import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyFacts, SETTLED } from '../../../test/gardener/any-facts.ts';
import type { ExtensionFacts } from './extension-facts.ts';
import { isTrigger, needsWork } from './filter.ts';

const ASKED = { ignoreOperationAnnotation: false };
const IGNORING = { ignoreOperationAnnotation: true };
const REQUESTS = ['reconcile', 'restore', 'migrate'];

type Change = Partial<ExtensionFacts>;

describe('an Extension that is seen for the first time', () => {
  const cases: readonly [string, Change, boolean][] = [
    ...REQUESTS.map((operation): [string, Change, boolean] => [operation, { operation }, true]),
    ['wait-for-state', { operation: 'wait-for-state' }, false],
    ['an unknown operation', { operation: 'rotate' }, false],
    ['a deletion', { isDeleted: true }, true],
    ['no last operation', { lastOperation: undefined }, true],
    ['no last operation, and an unknown request', { lastOperation: undefined, operation: 'rotate' }, true],
    ...['Processing', 'Error', 'Failed', 'Pending', 'Aborted'].map((state): [string, Change, boolean] => [
      `a last operation that is ${state}`,
      { lastOperation: { type: 'Create', state } },
      true,
    ]),
    ['success', {}, false],
    ['a changed spec', { generation: 2 }, false],
  ];
  for (const [title, change, expected] of cases) {
    test(`with ${title} ${expected ? 'needs work' : 'needs none'}`, () => {
      assert.equal(isTrigger(undefined, { ...SETTLED, ...change }, ASKED), expected);
      assert.equal(needsWork({ ...SETTLED, ...change }), expected);
    });
  }

  test('is always handled when nobody has to ask', () => {
    assert.equal(isTrigger(undefined, SETTLED, IGNORING), true);
  });

  test('counts as new when it was deleted and made again in between', () => {
    const again = { ...SETTLED, uid: '2', lastOperation: undefined };
    assert.equal(isTrigger(SETTLED, again, ASKED), true);
  });
});

describe('a change of an Extension', () => {
  const cases: readonly [string, Change, Change, boolean, boolean][] = [
    ['asks for a reconcile', {}, { operation: 'reconcile' }, true, true],
    ['asks for a restore', { operation: 'wait-for-state' }, { operation: 'restore' }, true, true],
    [
      'repeats a request',
      { operation: 'migrate', lastOperation: undefined },
      { operation: 'migrate', lastOperation: undefined, requestedAt: '20:01' },
      true,
      true,
    ],
    [
      'adds a finalizer',
      { operation: 'reconcile', lastOperation: undefined },
      { operation: 'reconcile', lastOperation: undefined },
      false,
      false,
    ],
    ['begins a deletion', {}, { isDeleted: true, generation: 2 }, true, true],
    ['annotates a deleted object', { isDeleted: true }, { isDeleted: true }, true, true],
    [
      'reports on a deletion',
      { isDeleted: true },
      {
        isDeleted: true,
        statusHash: 'b',
        lastOperation: { type: 'Delete', state: 'Error' },
      },
      false,
      false,
    ],
    [
      'reports a failed restore',
      { operation: 'restore' },
      { operation: 'restore', statusHash: 'b', lastOperation: { type: 'Restore', state: 'Error' } },
      false,
      false,
    ],
    [
      'reports a success while there is a request',
      { operation: 'reconcile', lastOperation: { type: 'Reconcile', state: 'Processing' } },
      { operation: 'reconcile', statusHash: 'b', lastOperation: { type: 'Reconcile', state: 'Succeeded' } },
      true,
      true,
    ],
    [
      'asks for another operation meanwhile',
      { operation: 'reconcile' },
      { operation: 'migrate', statusHash: 'b', lastOperation: { type: 'Reconcile', state: 'Error' } },
      true,
      true,
    ],
    [
      'reports a failure',
      {},
      { statusHash: 'b', lastOperation: { type: 'Create', state: 'Error' } },
      false,
      false,
    ],
    ['changes the spec', {}, { generation: 2 }, false, true],
    ['asks for something unknown', {}, { operation: 'rotate' }, false, false],
    ['takes off a request', { operation: 'reconcile' }, {}, false, false],
  ];
  for (const [title, before, after, asked, ignoring] of cases) {
    test(`that ${title} ${asked ? 'is handled' : 'is not handled'}`, () => {
      const pair = [
        { ...SETTLED, ...before },
        { ...SETTLED, ...after },
      ] as const;
      assert.equal(isTrigger(...pair, ASKED), asked);
    });
    test(`that ${title} ${ignoring ? 'is handled' : 'is not handled'} when nobody has to ask`, () => {
      const pair = [
        { ...SETTLED, ...before },
        { ...SETTLED, ...after },
      ] as const;
      assert.equal(isTrigger(...pair, IGNORING), ignoring);
    });
  }
});

describe('for any two states', () => {
  const options = fc.constantFrom(ASKED, IGNORING);

  test('a deletion that begins between them is seen, whatever else has changed', () => {
    fc.assert(
      fc.property(anyFacts, anyFacts, options, (before, after, mode) =>
        isTrigger({ ...before, isDeleted: false }, { ...after, isDeleted: true }, mode),
      ),
    );
  });

  test('a request that is made between them is seen', () => {
    fc.assert(
      fc.property(
        anyFacts,
        anyFacts,
        fc.constantFrom(...REQUESTS),
        options,
        (before, after, operation, mode) =>
          isTrigger({ ...before, operation: undefined }, { ...after, operation }, mode),
      ),
    );
  });

  test('the reports of an operation that has not succeeded trigger nothing', () => {
    fc.assert(
      fc.property(anyFacts, anyFacts, options, (before, { lastOperation }, mode) => {
        fc.pre(lastOperation?.state !== 'Succeeded');
        const old = { ...before, statusHash: 'before' };
        return !isTrigger(old, { ...old, lastOperation, statusHash: 'after' }, mode);
      }),
    );
  });

  test('a request that is still there after a success is seen', () => {
    fc.assert(
      fc.property(
        anyFacts,
        anyFacts,
        fc.constantFrom(...REQUESTS),
        options,
        (before, after, operation, mode) => {
          const lastOperation = { type: 'Reconcile', state: 'Succeeded' };
          return isTrigger(before, { ...after, operation, lastOperation }, mode);
        },
      ),
    );
  });
});
