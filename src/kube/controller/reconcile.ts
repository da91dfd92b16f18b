import type { Logger } from '../../kit/logger.ts';

/**
 * Makes the world match the wanted state of `key`, whatever triggered the call. Never runs twice at a time for one key. An error is logged
 * and retried with back-off.
 */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

export interface ReconcileContext {
  /** Aborts at the time limit, when leadership is lost, and at the end of a stop's grace period. Passed to every call. */
  readonly signal: AbortSignal;
  /** Adds controller, key and the number of the reconcile to each line. */
  readonly logger: Logger;
}

export type ReconcileResult =
  | 'done'
  /** Requeues the key after this time, or sooner after a change. Counts as a success, so back-off starts from the beginning. */
  | { readonly requeueAfterMs: number }
  /** Only a change can help, and a change triggers the key. Logged and counted, not retried. */
  | { readonly terminalError: unknown };
