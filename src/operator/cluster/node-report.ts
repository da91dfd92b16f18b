import type { Lease } from '../../kube/leader-election/lease.ts';
import { readNodeLease } from '../../fleet/node-lease.ts';
import type { NodeStatus } from '../../fleet/node-status.ts';

/** What a node says of itself. */
export interface NodeReport {
  readonly metadata: Lease['metadata'];
  readonly node: string;
  /** Undefined: nothing that could be read. */
  readonly status: NodeStatus | undefined;
  /** When it said so, by its own clock. */
  readonly renewedAt: number;
}

export function readReport(lease: Lease): NodeReport {
  const read = readNodeLease(lease);
  return {
    metadata: lease.metadata,
    node: read?.node ?? lease.metadata.name,
    status: read?.status,
    renewedAt: read?.renewedAt ?? 0,
  };
}

/** True when nothing about the node has changed but the time of its report. */
export function saysTheSame(before: NodeReport | undefined, after: NodeReport | undefined): boolean {
  return JSON.stringify(before?.status) === JSON.stringify(after?.status);
}

/** Nodes that may still use a cache of `upstream`: they report it, and have not carried out `revision`, which is without. */
export function nodesStillUsing(
  reports: readonly NodeReport[],
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
