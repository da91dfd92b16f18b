import type { ExtensionFacts } from './extension-facts.ts';

/** Operations that gardenlet may ask for at any time. Others, such as `wait-for-state`, ask for nothing. */
const REQUESTS: readonly (string | undefined)[] = ['reconcile', 'restore', 'migrate'];

export interface FilterOptions {
  /** Handles every change of a spec at once, without waiting until gardenlet asks (`--ignore-operation-annotation`). */
  readonly ignoreOperationAnnotation: boolean;
}

/**
 * True if the state of an Extension asks for work: a requested operation, a deletion, or a last operation that has not succeeded.
 * gardenlet decides when a changed spec is reconciled, so a change alone asks for nothing. Checked again on the newest state before
 * any work, because the request may have been met meanwhile.
 */
export function needsWork({ operation, isDeleted, lastOperation }: ExtensionFacts): boolean {
  return REQUESTS.includes(operation) || isDeleted || lastOperation?.state !== 'Succeeded';
}

/**
 * True if an event is to be followed by a reconcile. `before` is undefined for an object that is seen for the first time. What the controller
 * itself writes during an operation triggers nothing, so that failures wait for their back-off.
 *
 * Close to the Go library (gardener v1.147.1, `extensions/pkg/predicate`), with three differences. It drops a deletion that arrives together
 * with a change of the status, and, with `ignoreOperationAnnotation`, a request. It repeats a failing restore or migration without back-off.
 */
export function isTrigger(
  before: ExtensionFacts | undefined,
  after: ExtensionFacts,
  { ignoreOperationAnnotation }: FilterOptions,
): boolean {
  if (before === undefined || before.uid !== after.uid) return ignoreOperationAnnotation || needsWork(after);
  if (ignoreOperationAnnotation && before.generation !== after.generation) return true;
  if (after.isDeleted && (!before.isDeleted || before.statusHash === after.statusHash)) return true;
  if (!REQUESTS.includes(after.operation)) return false;
  const isNew = before.operation !== after.operation || before.requestedAt !== after.requestedAt;
  // A watch may leave out states. A request that is there after a success may be another one.
  return isNew || after.lastOperation?.state === 'Succeeded';
}
