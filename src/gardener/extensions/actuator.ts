import type { Logger } from '../../kit/logger.ts';
import type { Cluster } from '../shoots/cluster.ts';
import type { Extension } from './resources.ts';

/**
 * The work of one extension type. Each call may be repeated at any time, after a failure, a crash or a change of the leader in the middle of
 * it, so it brings the world to a state instead of taking one step. No two calls for one Extension overlap. An error becomes
 * `status.lastError` with its text, and a `CodedError` among its causes adds codes; then the call is repeated with back-off.
 */
export interface Actuator {
  /** Brings everything to the state that `spec.providerConfig` wants. */
  reconcile(context: ActuatorContext): Promise<void>;
  /** Removes everything, and resolves when it is gone. Never called for an Extension without the finalizer. */
  delete(context: ActuatorContext): Promise<void>;
  /** Removes everything that can be removed at once, and waits for nothing: the owner wants the Shoot gone, whatever stays. */
  forceDelete(context: ActuatorContext): Promise<void>;
  /** Gives up everything in this seed and leaves alone what runs in the shoot, which another seed takes over. */
  migrate(context: ActuatorContext): Promise<void>;
  /** Takes over from another seed: like a reconcile, with state that gardenlet has restored. */
  restore(context: ActuatorContext): Promise<void>;
}

export interface ActuatorContext {
  /** As the server had it when the operation began. Its `spec` is that of the generation that will be reported. */
  readonly extension: Extension;
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
  /**
   * The Cluster, read from the server at most once in an operation. Throws `failed to get cluster: ...` in the words of Go, which never
   * happens in a shoot namespace, unless the operation is a deletion or a migration of a deleted object.
   */
  readonly cluster: () => Promise<Cluster>;
  /**
   * Writes `status.providerStatus`, from which webhooks and gardenlet continue, in the middle of the operation: what the previous status
   * names may be removed only afterwards. Without a call the previous status stays.
   */
  readonly publish: (providerStatus: object) => Promise<void>;
  /** Aborts after 3 minutes, and when leadership is lost or the program stops. Passed to every call. */
  readonly signal: AbortSignal;
  /** Adds controller, key and the number of the reconcile to each line. */
  readonly logger: Logger;
}
