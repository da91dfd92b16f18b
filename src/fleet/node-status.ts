/** What a node has made of the document, for the log and for whoever watches nodes. */
export interface NodeStatus {
  /** Of the document that is carried out: what it says is done, apart from what stands under `upstreams`. */
  readonly revision: string;
  readonly containerd: ContainerdFinding;
  readonly upstreams: readonly NodeUpstreamStatus[];
}

export interface NodeUpstreamStatus {
  readonly upstream: string;
  /** `Ready`: containerd is pointed at it. `Down`: the cache does not answer, pulls go to the origin. `Foreign`: somebody else wrote the file. `Failed`: the file could not be written. */
  readonly state: 'Ready' | 'Down' | 'Foreign' | 'Failed';
  /** What stands in the way; empty when ready. */
  readonly message: string;
}

/**
 * Whether containerd reads the hosts.toml files that are written for it.
 *
 * `Set`: it does. `NotSet`: `config_path` is not set, and it reads none. `List`: several directories, of which pulls by its transfer
 * service (the way of Kubernetes from 2.1 on) read none (https://github.com/containerd/containerd/issues/12808). `Elsewhere`: it reads
 * another directory. `Unknown`: its configuration cannot be read, or some releases would read the directory and others not.
 */
export interface ContainerdFinding {
  readonly state: 'Set' | 'NotSet' | 'List' | 'Elsewhere' | 'Unknown';
  /** What was found and what to do; empty when set. */
  readonly message: string;
}
