import type { NodeStatus, NodeUpstreamStatus } from '../fleet/node-status.ts';
import type { HostsOutcome } from './hosts/hosts-directory.ts';

/** Passes on what a node has made of its document. */
export interface StatusReporter {
  /** The state now; the last one counts. Never waits. */
  report(status: NodeStatus): void;
  /** Passes it on until `signal` aborts. Whatever fails is tried again. */
  run(signal: AbortSignal): Promise<void>;
  /** Passes the state on before the process ends: tries once, for a few seconds at most. Not while `run` goes on. */
  last(status: NodeStatus): Promise<void>;
}

/** The status of one upstream whose file was to be written. */
export function writtenStatus({ upstream, state, message }: HostsOutcome): NodeUpstreamStatus {
  return { upstream, state: state === 'Written' ? 'Ready' : state, message };
}
