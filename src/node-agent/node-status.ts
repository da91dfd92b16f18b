import type { ContainerdFinding } from './containerd/containerd-check.ts';
import type { HostsOutcome } from './hosts/hosts-directory.ts';

/** What a node has made of the document, for the log and for whoever watches nodes. */
export interface NodeStatus {
  /** Of the document that is carried out: what it says is done, apart from what stands under `upstreams`. */
  readonly revision: string;
  readonly containerd: ContainerdFinding;
  readonly upstreams: readonly UpstreamStatus[];
}

export interface UpstreamStatus {
  readonly upstream: string;
  /** `Ready`: containerd is pointed at it. `Down`: the cache does not answer, pulls go to the origin. The others as in {@link HostsOutcome}. */
  readonly state: 'Ready' | 'Down' | 'Foreign' | 'Failed';
  /** What stands in the way; empty when ready. */
  readonly message: string;
}

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
export function writtenStatus({ upstream, state, message }: HostsOutcome): UpstreamStatus {
  return { upstream, state: state === 'Written' ? 'Ready' : state, message };
}
