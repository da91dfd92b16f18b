import type { Lease } from '../../kube/leader-election/lease.ts';
import { readNodeLease } from '../../fleet/node-lease.ts';
import type { NodeStatus } from '../../fleet/node-status.ts';

/** The last status report of a node agent. */
export interface StoredReport {
  readonly metadata: Lease['metadata'];
  readonly node: string;
  /** Undefined if the report cannot be parsed. */
  readonly status: NodeStatus | undefined;
  /** Time of the report by the node's clock, in milliseconds since the epoch. */
  readonly renewedAt: number;
}

export function readReport(lease: Lease): StoredReport {
  const read = readNodeLease(lease);
  return {
    metadata: lease.metadata,
    node: read?.node ?? lease.metadata.name,
    status: read?.status,
    renewedAt: read?.renewedAt ?? 0,
  };
}

/** True if the two reports differ at most in their time. */
export function hasSameStatus(before: StoredReport | undefined, after: StoredReport | undefined): boolean {
  return JSON.stringify(before?.status) === JSON.stringify(after?.status);
}

/** Nodes that may still use the cache of `upstream`: they report it, and have not confirmed `revision`, which does not contain it. */
export function nodesStillUsing(
  reports: readonly StoredReport[],
  upstream: string,
  revision: string,
): string[] {
  return reports
    .filter(
      ({ status }) =>
        status !== undefined &&
        status.revision !== revision &&
        status.upstreams.some((one) => one.upstream === upstream),
    )
    .map(({ node }) => node);
}
