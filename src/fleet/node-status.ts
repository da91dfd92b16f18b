/** State of a node: what it has carried out of the node document. */
export interface NodeStatus {
  /** Revision that the node has carried out, except for the upstreams below that are not `Ready`. */
  readonly revision: string;
  readonly containerd: ContainerdFinding;
  readonly upstreams: readonly NodeUpstreamStatus[];
}

export interface NodeUpstreamStatus {
  readonly upstream: string;
  /**
   * `Ready`: containerd is pointed at the upstream's cache or mirror. `Down`: the cache does not answer and pulls go to the origin.
   * `Foreign`: the file was not written by the agent. `Failed`: the agent could not write the file.
   */
  readonly state: 'Ready' | 'Down' | 'Foreign' | 'Failed';
  /** Reason for people. Empty if ready. */
  readonly message: string;
}

/**
 * Judgement whether containerd reads the hosts.toml files of the agent.
 *
 * `Set`: containerd reads them. `NotSet`: `config_path` is not set, so containerd reads none. `List`: `config_path` has several
 * directories. Pulls through the transfer service, the way of Kubernetes from 2.1 on, then read none
 * (https://github.com/containerd/containerd/issues/12808). `Elsewhere`: containerd reads another directory. `Unknown`: the configuration
 * cannot be read, or only some releases would read the directory.
 */
export interface ContainerdFinding {
  readonly state: 'Set' | 'NotSet' | 'List' | 'Elsewhere' | 'Unknown';
  /** Finding and remedy for people. Empty if set. */
  readonly message: string;
}

/** Part of the message about a `Foreign` upstream whose file Gardener's node agent writes. */
export const OF_GARDENER = 'managed by Gardener: the Shoot or another extension configures this upstream';
