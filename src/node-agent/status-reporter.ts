import type { NodeStatus, NodeUpstreamStatus } from '../fleet/node-status.ts';
import type { HostsOutcome } from './hosts/hosts-directory.ts';

/** Reports the status of the node. */
export interface StatusReporter {
  /** Sets the current status; the last one counts. Never waits. */
  report(status: NodeStatus): void;
  /** Reports until `signal` aborts. Retries failures. */
  run(signal: AbortSignal): Promise<void>;
  /** Reports the status before the process ends: one try, a few seconds at most. Not during `run`. */
  last(status: NodeStatus): Promise<void>;
}

/** Status of an upstream whose file was to be written. */
export function writtenStatus({ upstream, state, message }: HostsOutcome): NodeUpstreamStatus {
  return { upstream, state: state === 'Written' ? 'Ready' : state, message };
}
