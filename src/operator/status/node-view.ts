import type { NodeReport } from '../nodes/node-report.ts';
import type { Finding } from './findings.ts';

/** What the nodes do for one upstream. */
export interface NodeView {
  readonly configured: number;
  readonly total: number;
  readonly findings: readonly Finding[];
}

export interface NodesInput {
  readonly reports: readonly NodeReport[];
  /** Nodes that should report. */
  readonly total: number;
  /** Of the document that they should have carried out. */
  readonly revision: string;
}

/** Named in one message at the most. */
const NAMED = 3;

/** `isServing`: a node that does not reach the cache is worth a word only when there is something to reach. */
export function nodeView(
  { reports, total, revision }: NodesInput,
  upstream: string,
  isServing: boolean,
): NodeView {
  const ready: string[] = [];
  const foreign: string[] = [];
  const failed: string[] = [];
  let why = '';
  let current = 0;
  for (const { node, status } of reports) {
    const own = status?.upstreams.find((one) => one.upstream === upstream);
    if (status?.revision === revision) current += 1;
    if (status === undefined || own === undefined) continue;
    // `Unknown` says that its configuration cannot be read, not that it is wrong.
    const isRead = status.containerd.state === 'Set' || status.containerd.state === 'Unknown';
    if (own.state === 'Foreign') foreign.push(node);
    else if (!isRead || own.state === 'Failed' || (own.state === 'Down' && isServing)) {
      failed.push(node);
      why ||= isRead ? own.message : status.containerd.message;
    } else if (own.state === 'Ready') ready.push(node);
  }
  const findings: Finding[] = [];
  if (foreign.length > 0)
    findings.push({
      reason: 'ForeignNodeConfiguration',
      message: `${upstream}: somebody else's hosts.toml is left alone on ${named(foreign)}`,
    });
  if (failed.length > 0)
    findings.push({ reason: 'NodesNotConfigured', message: `${upstream}: ${named(failed)}: ${why}` });
  const behind = Math.max(total, reports.length) - current;
  if (behind > 0)
    findings.push({
      reason: 'ConfiguringNodes',
      message: `${behind} of ${Math.max(total, reports.length)} nodes have not carried out the last change`,
    });
  return { configured: ready.length, total: Math.max(total, reports.length), findings };
}

function named(nodes: readonly string[]): string {
  const more = nodes.length - NAMED;
  const first = nodes.slice(0, NAMED).join(', ');
  return more > 0 ? `${first} and ${more} more nodes` : `${nodes.length === 1 ? 'node' : 'nodes'} ${first}`;
}
