import type { AgentPod } from './agent-pod.ts';
import type { StoredReport } from './node-report.ts';

/** Number of nodes, of `total` that should run an agent, without a pod and without a report: the cluster could not create a pod there. */
export function podlessNodes(
  total: number,
  agents: readonly AgentPod[],
  reports: readonly StoredReport[],
): number {
  const placed = new Set([...agents, ...reports].flatMap(({ node }) => node ?? []));
  const elsewhere = agents.filter(({ node }) => node === undefined).length;
  return Math.max(0, total - placed.size - elsewhere);
}
