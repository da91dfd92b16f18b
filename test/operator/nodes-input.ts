/** Reports of nodes, as input of the status of an object. */
import type { NodeStatus } from '../../src/fleet/node-status.ts';
import type { StoredReport } from '../../src/operator/cluster/node-report.ts';
import type { NodesInput } from '../../src/operator/status/node-view.ts';

/** The time of all reports, unless a test changes it. */
export const AT = Date.parse('2026-01-01T00:00:00Z');

/** The nodes of `reports` and no others, when revision `r` is published. */
export function nodesOf(reports: readonly StoredReport[], more: Partial<NodesInput> = {}): NodesInput {
  return {
    reports,
    agents: [],
    podlessSince: undefined,
    total: reports.length,
    revision: 'r',
    isPublished: () => true,
    now: AT,
    ...more,
  };
}

/** The report of a node that has carried out revision `r`. */
export function report(node: string, status: Partial<NodeStatus>): StoredReport {
  return {
    metadata: { name: node },
    node,
    renewedAt: AT,
    status: {
      revision: 'r',
      containerd: { state: 'Set', message: '' },
      upstreams: [],
      ...status,
    },
  };
}
