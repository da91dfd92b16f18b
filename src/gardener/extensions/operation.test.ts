import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyFacts, SETTLED } from '../../../test/gardener/any-facts.ts';
import type { ExtensionFacts } from './extension-facts.ts';
import { decide, operationTypeOf, type Circumstances } from './operation.ts';

const FINE = { isFailed: false, isForceDeleted: false };
const ORDINARY: Circumstances = { hasFinalizer: true, shoot: FINE };

const anyCircumstances: fc.Arbitrary<Circumstances> = fc.record({
  hasFinalizer: fc.boolean(),
  shoot: fc.oneof(
    fc.constantFrom(undefined, 'missing' as const),
    fc.record({ isFailed: fc.boolean(), isForceDeleted: fc.boolean() }),
  ),
});

function last(type: string, state: string): Partial<ExtensionFacts> {
  return { lastOperation: { type, state } };
}

describe('the type of an operation', () => {
  const cases: readonly [Partial<ExtensionFacts>, string][] = [
    [{ lastOperation: undefined }, 'Create'],
    [{ lastOperation: undefined, operation: 'rotate' }, 'Create'],
    [last('Create', 'Processing'), 'Create'],
    [last('Create', 'Error'), 'Create'],
    [last('Create', 'Succeeded'), 'Reconcile'],
    [last('Reconcile', 'Error'), 'Reconcile'],
    [last('Migrate', 'Error'), 'Migrate'],
    [last('Migrate', 'Succeeded'), 'Reconcile'],
    [last('Restore', 'Processing'), 'Restore'],
    [last('Restore', 'Succeeded'), 'Reconcile'],
    [last('Delete', 'Error'), 'Reconcile'],
    [{ operation: 'migrate' }, 'Migrate'],
    [{ operation: 'restore' }, 'Restore'],
    [{ operation: 'reconcile' }, 'Reconcile'],
    [{ operation: 'reconcile', ...last('Restore', 'Error') }, 'Restore'],
    [{ operation: 'restore', ...last('Migrate', 'Processing') }, 'Restore'],
    [{ isDeleted: true }, 'Delete'],
    [{ isDeleted: true, operation: 'restore' }, 'Delete'],
    [{ isDeleted: true, operation: 'migrate' }, 'Migrate'],
    [{ isDeleted: true, ...last('Restore', 'Error') }, 'Delete'],
  ];
  for (const [facts, expected] of cases) {
    test(`is ${expected} for ${JSON.stringify(facts)}`, () => {
      assert.equal(operationTypeOf({ ...SETTLED, ...facts }), expected);
    });
  }
});

describe('the decision', () => {
  const run = (type: string, method: string) => ({ kind: 'run', type, method });
  const skip = { kind: 'skip' };
  const cases: readonly [string, Partial<ExtensionFacts>, Partial<Circumstances>, object][] = [
    ['a new Extension is reconciled', { lastOperation: undefined }, {}, run('Create', 'reconcile')],
    ['a deletion', { isDeleted: true }, {}, run('Delete', 'delete')],
    ['nothing to undo', { isDeleted: true }, { hasFinalizer: false }, skip],
    [
      'a forced deletion',
      { isDeleted: true },
      { shoot: { isFailed: false, isForceDeleted: true } },
      run('Delete', 'forceDelete'),
    ],
    [
      'a forced deletion of a failed Shoot',
      { isDeleted: true },
      { shoot: { isFailed: true, isForceDeleted: true } },
      run('Delete', 'forceDelete'),
    ],
    [
      'outside of shoot namespaces no deletion is forced',
      { isDeleted: true },
      { shoot: undefined },
      run('Delete', 'delete'),
    ],
    ['a deletion needs no Cluster', { isDeleted: true }, { shoot: 'missing' }, run('Delete', 'delete')],
    ['a migration', { operation: 'migrate' }, {}, run('Migrate', 'migrate')],
    [
      'a migration without finalizer',
      { operation: 'migrate' },
      { hasFinalizer: false },
      run('Migrate', 'migrate'),
    ],
    ['a restore', { operation: 'restore', ...last('Migrate', 'Succeeded') }, {}, run('Restore', 'restore')],
    ['a reconcile after a migration', { operation: 'reconcile', ...last('Migrate', 'Succeeded') }, {}, skip],
    [
      'a deletion after a migration',
      { isDeleted: true, ...last('Migrate', 'Succeeded') },
      {},
      { kind: 'release' },
    ],
    [
      'a deletion after a complete migration',
      { isDeleted: true, ...last('Migrate', 'Succeeded') },
      { hasFinalizer: false },
      skip,
    ],
  ];
  for (const [title, facts, circumstances, expected] of cases) {
    test(title, () => {
      assert.deepEqual(decide({ ...SETTLED, ...facts }, { ...ORDINARY, ...circumstances }), expected);
    });
  }

  const waiting: readonly [string, Partial<ExtensionFacts>, Partial<Circumstances>][] = [
    ['until its state is restored', { operation: 'wait-for-state', lastOperation: undefined }, {}],
    ['for a Cluster', { operation: 'reconcile' }, { shoot: 'missing' }],
    [
      'while the Shoot has failed',
      { operation: 'reconcile' },
      { shoot: { isFailed: true, isForceDeleted: false } },
    ],
    [
      'to be migrated while the Shoot has failed',
      { operation: 'migrate' },
      { shoot: { isFailed: true, isForceDeleted: true } },
    ],
  ];
  for (const [title, facts, circumstances] of waiting) {
    test(`the Extension waits ${title}`, () => {
      assert.equal(decide({ ...SETTLED, ...facts }, { ...ORDINARY, ...circumstances }).kind, 'wait');
    });
  }
});

describe('for any state', () => {
  test('a deleted Extension with its finalizer is never left alone, unless its state is awaited', () => {
    fc.assert(
      fc.property(anyFacts, anyCircumstances, (facts, circumstances) => {
        const decision = decide({ ...facts, isDeleted: true }, { ...circumstances, hasFinalizer: true });
        if (facts.operation === 'wait-for-state') return decision.kind === 'wait';
        if (decision.kind === 'run') return ['delete', 'forceDelete', 'migrate'].includes(decision.method);
        return decision.kind === 'release';
      }),
    );
  });

  test('nothing of a failed Shoot is touched but what is deleted', () => {
    fc.assert(
      fc.property(anyFacts, fc.boolean(), fc.boolean(), (facts, hasFinalizer, isForceDeleted) => {
        const shoot = { isFailed: true, isForceDeleted };
        return decide({ ...facts, isDeleted: false }, { hasFinalizer, shoot }).kind === 'wait';
      }),
    );
  });

  test('an Extension that was migrated away runs nothing but a migration or a restore', () => {
    fc.assert(
      fc.property(anyFacts, anyCircumstances, (facts, circumstances) => {
        const decision = decide({ ...facts, ...last('Migrate', 'Succeeded') }, circumstances);
        return decision.kind !== 'run' || ['migrate', 'restore'].includes(decision.method);
      }),
    );
  });

  test('type and method of an operation fit together, and only a deleted Extension is deleted', () => {
    const methods: Readonly<Record<string, readonly string[]>> = {
      Create: ['reconcile'],
      Reconcile: ['reconcile'],
      Migrate: ['migrate'],
      Restore: ['restore'],
      Delete: ['delete', 'forceDelete'],
    };
    fc.assert(
      fc.property(anyFacts, anyCircumstances, (facts, circumstances) => {
        const decision = decide(facts, circumstances);
        if (decision.kind !== 'run') return true;
        const fits = methods[decision.type]?.includes(decision.method) ?? false;
        return fits && (decision.type !== 'Delete' || facts.isDeleted);
      }),
    );
  });
});
