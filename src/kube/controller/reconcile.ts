import type { Logger } from '../../kit/logger.ts';

/**
 * Makes the world match what is wanted for `key`, whatever woke it; never runs twice at a time for one key. What it throws is logged, and
 * tried again with back-off.
 */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

export interface ReconcileContext {
  /** Aborts at the time limit, when leadership is lost, and when a stop has waited long enough. To be handed to every call. */
  readonly signal: AbortSignal;
  /** Its lines carry controller, key and the number of this reconcile. */
  readonly logger: Logger;
}

export type ReconcileResult =
  | 'done'
  /** Again after this time, unless something changes before. No failure: back-off starts anew. */
  | { readonly requeueAfterMs: number }
  /** Trying again is in vain until somebody changes something, which wakes the key: logged and counted, not retried. */
  | { readonly terminalError: unknown };
