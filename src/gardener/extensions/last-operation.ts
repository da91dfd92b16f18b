import { secondsTime } from '../../kube/time.ts';
import type { MergePatch } from '../../kube/types.ts';
import { serverText } from '../server-text.ts';
import { gardenerCodesOf } from './error-codes.ts';
import type { ActuatorMethod } from './operation.ts';
import type { ExtensionStatus, LastError, LastOperation, OperationType } from './resources.ts';

/** Texts of the Go library (gardener v1.147.1, `extensions/pkg/controller/extension`). Landscapes match them in alerts and scripts. */
const DELETING = {
  started: 'Deleting the Extension',
  succeeded: 'Successfully deleted the Extension',
  failed: 'Error deleting the Extension',
};
const TEXTS: Readonly<Record<ActuatorMethod, typeof DELETING>> = {
  reconcile: {
    started: 'Reconciling the Extension',
    succeeded: 'Successfully reconciled Extension',
    failed: 'Error reconciling Extension',
  },
  delete: DELETING,
  forceDelete: DELETING,
  migrate: {
    started: 'Migrate Extension resource.',
    succeeded: 'Successfully migrated Extension resource',
    failed: 'Error migrating Extension resource',
  },
  restore: {
    started: 'Restoring Extension resource',
    succeeded: 'Successfully restored Extension resource',
    failed: 'Unable to restore Extension resource',
  },
};

/** An operation, and the time of a status in milliseconds since the epoch. */
export interface Reported {
  readonly type: OperationType;
  readonly method: ActuatorMethod;
  readonly now: number;
}

/** Longest description of a failure. The API server of a shoot may have written a part of it, and gardenlet copies it to the Shoot. */
const LONGEST = 16_384;

/** A merge patch of a status. Fields that are left out stay. */
type StatusPatch = { readonly status: Readonly<Record<keyof ExtensionStatus, unknown>> | MergePatch };

/** Status at the start of an operation. An earlier error stays visible until the outcome is known. */
export function startedStatus({ type, method, now }: Reported): StatusPatch {
  const description = TEXTS[method].started;
  return { status: { lastOperation: lastOperation(type, 'Processing', 1, description, now) } };
}

/** Status after an operation that carried out the spec of `generation`. */
export function succeededStatus({ type, method, now }: Reported, generation: number): StatusPatch {
  const description = TEXTS[method].succeeded;
  return {
    status: {
      observedGeneration: generation,
      lastOperation: lastOperation(type, 'Succeeded', 100, description, now),
      lastError: null,
    },
  };
}

/** Status after a failure. The `providerStatus` of the last success stays. */
export function failedOperationStatus(
  { type, method, now }: Reported,
  generation: number,
  error: unknown,
): StatusPatch {
  const description = `${TEXTS[method].failed}: ${serverText(error)}`.slice(0, LONGEST);
  const codes = gardenerCodesOf(error);
  const lastError: Record<keyof LastError, unknown> = {
    description,
    lastUpdateTime: secondsTime(now),
    // A null removes the field of an earlier error.
    codes: codes.length === 0 ? null : codes,
    taskID: null,
  };
  return {
    status: {
      observedGeneration: generation,
      lastOperation: lastOperation(type, 'Error', 50, description, now),
      lastError,
    },
  };
}

function lastOperation(
  type: OperationType,
  state: 'Processing' | 'Succeeded' | 'Error',
  progress: number,
  description: string,
  now: number,
): LastOperation {
  return { type, state, progress, description, lastUpdateTime: secondsTime(now) };
}
