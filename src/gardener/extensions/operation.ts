import type { ExtensionFacts } from './extension-facts.ts';
import type { OperationType } from './resources.ts';
import type { ShootState } from './shoot-state.ts';

export interface Circumstances {
  /** True if the Extension has the finalizer of its controller. */
  readonly hasFinalizer: boolean;
  /** State of the Shoot; `missing` in a shoot namespace without Cluster, undefined in any other namespace. */
  readonly shoot: ShootState | 'missing' | undefined;
}

/** Calls of an actuator. */
export type ActuatorMethod = 'reconcile' | 'delete' | 'forceDelete' | 'migrate' | 'restore';

export type OperationDecision =
  | { readonly kind: 'run'; readonly type: OperationType; readonly method: ActuatorMethod }
  /** Nothing is written until something changes. */
  | { readonly kind: 'wait'; readonly why: string }
  /** There is no work. A requested reconcile is taken off. */
  | { readonly kind: 'skip' }
  /** The object has been migrated and is being deleted: its effects belong to another seed now, and nothing is undone. */
  | { readonly kind: 'release' };

/**
 * Decides on an Extension that needs work, in the order of the Go library (gardener v1.147.1, `extensions/pkg/controller/extension`).
 * Three cases differ, because the Go library drops their events for ever: without Cluster everything but a deletion waits until there is
 * one; the Extension of a failed Shoot can be deleted; and a migrated Extension that still has the finalizer can be deleted.
 */
export function decide(facts: ExtensionFacts, { hasFinalizer, shoot }: Circumstances): OperationDecision {
  const { isDeleted } = facts;
  if (facts.operation === 'wait-for-state') return { kind: 'wait', why: 'its state is still to be restored' };
  if (shoot === 'missing' && !isDeleted) return { kind: 'wait', why: 'there is no Cluster yet' };
  const state = shoot === 'missing' ? undefined : shoot;
  if (state?.isFailed === true && !isDeleted) return { kind: 'wait', why: 'the Shoot has failed' };
  const type = operationTypeOf(facts);
  if (type === 'Migrate') return { kind: 'run', type, method: 'migrate' };
  if (isMigrated(facts) && type !== 'Restore')
    return isDeleted && hasFinalizer ? { kind: 'release' } : { kind: 'skip' };
  if (isDeleted) {
    const method = state?.isForceDeleted === true ? 'forceDelete' : 'delete';
    return hasFinalizer ? { kind: 'run', type, method } : { kind: 'skip' };
  }
  return { kind: 'run', type, method: type === 'Restore' ? 'restore' : 'reconcile' };
}

/** Type of the operation that is due: the requested one, or else the one that has not succeeded yet. */
export function operationTypeOf({ operation, isDeleted, lastOperation }: ExtensionFacts): OperationType {
  if (operation === 'migrate') return 'Migrate';
  if (isDeleted) return 'Delete';
  if (operation === 'restore') return 'Restore';
  if (lastOperation === undefined) return 'Create';
  return (
    CONTINUED.find((type) => type === lastOperation.type && lastOperation.state !== 'Succeeded') ??
    'Reconcile'
  );
}

/** Operations that are repeated until they succeed, whatever is requested meanwhile. */
const CONTINUED = ['Create', 'Migrate', 'Restore'] as const;

function isMigrated({ lastOperation }: ExtensionFacts): boolean {
  return lastOperation?.type === 'Migrate' && lastOperation.state === 'Succeeded';
}
