import * as fc from 'fast-check';
import type { ExtensionFacts } from '../../src/gardener/extensions/extension-facts.ts';

const operation = fc.constantFrom(undefined, 'reconcile', 'restore', 'migrate', 'wait-for-state', 'rotate');
const type = fc.constantFrom('Create', 'Reconcile', 'Delete', 'Migrate', 'Restore', 'Other');
const state = fc.constantFrom('Processing', 'Succeeded', 'Error', 'Failed', 'Pending', 'Aborted');

/** Extensions as an API server may have them, also those that no controller would have left so. */
export const anyFacts: fc.Arbitrary<ExtensionFacts> = fc.record({
  uid: fc.constantFrom('1', '2'),
  type: fc.constant('registry-cache'),
  class: fc.constant('shoot'),
  generation: fc.nat(3),
  observedGeneration: fc.nat(3),
  operation,
  requestedAt: fc.constantFrom(undefined, '20:00', '20:01'),
  isDeleted: fc.boolean(),
  lastOperation: fc.option(fc.record({ type, state }), { nil: undefined }),
  statusHash: fc.constantFrom('a', 'b'),
});

/** An Extension that was reconciled. */
export const SETTLED: ExtensionFacts = {
  uid: '1',
  type: 'registry-cache',
  class: 'shoot',
  generation: 1,
  observedGeneration: 1,
  operation: undefined,
  requestedAt: '20:00',
  isDeleted: false,
  lastOperation: { type: 'Create', state: 'Succeeded' },
  statusHash: 'a',
};
