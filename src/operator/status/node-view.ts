import { LEASE_SECONDS } from '../../node-agent/node-lease.ts';
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
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Clocks of nodes differ by less. */
const SILENT_MS = 1000 * LEASE_SECONDS;
/** Named in one message at the most. */
const NAMED = 3;

/**
 * `isSettled`: the cache has served for a while. A node that does not reach it is on its way before that, and has a problem then: an agent turns
 * to a cache only after several answers.
 */
export function nodeView(
  { reports, total, revision, now }: NodesInput,
  upstream: string,
  isSettled: boolean,
): NodeView {
  const ready: string[] = [];
  const foreign: string[] = [];
  const failed: string[] = [];
  const silent: string[] = [];
  let why = '';
  let current = 0;
  for (const { node, status, renewedAt } of reports) {
    const own = status?.upstreams.find((one) => one.upstream === upstream);
    if (renewedAt < now - SILENT_MS) silent.push(node);
    if (status?.revision === revision && (isSettled || own?.state !== 'Down')) current += 1;
    if (status === undefined || own === undefined) continue;
    // A node of which it is not known must not pass for one that works: its pulls go to the origin without a word.
    const isRead = status.containerd.state === 'Set';
    if (own.state === 'Foreign') foreign.push(node);
    else if (!isRead || own.state === 'Failed' || (own.state === 'Down' && isSettled)) {
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
  if (silent.length > 0)
    findings.push({
      reason: 'NodesNotConfigured',
      message: `${named(silent)}: nothing was heard for a while`,
    });
  const all = Math.max(total, reports.length);
  if (current < all)
    findings.push({
      reason: 'ConfiguringNodes',
      message: `${all - current} of ${all} nodes have not carried out the last change`,
    });
  return { configured: ready.length, total: all, findings };
}

function named(nodes: readonly string[]): string {
  const more = nodes.length - NAMED;
  const first = nodes.slice(0, NAMED).join(', ');
  return more > 0 ? `${first} and ${more} more nodes` : `${nodes.length === 1 ? 'node' : 'nodes'} ${first}`;
}
