import type { AgentPod } from './agent-pod.ts';
import type { NodeReport } from './node-report.ts';

/** Nodes that have neither a pod of the agent nor a report, of `total` that should: the cluster refuses to make one there. */
export function podlessNodes(
  total: number,
  agents: readonly AgentPod[],
  reports: readonly NodeReport[],
): number {
  const placed = new Set([...agents, ...reports].flatMap(({ node }) => node ?? []));
  const elsewhere = agents.filter(({ node }) => node === undefined).length;
  return Math.max(0, total - placed.size - elsewhere);
}
