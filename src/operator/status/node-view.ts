import { LEASE_SECONDS } from '../../fleet/node-lease.ts';
import { OF_GARDENER } from '../../fleet/node-status.ts';
import type { NodeCounts } from '../../api/status/status-fields.ts';
import type { Reason } from '../../api/status/reasons.ts';
import type { AgentPod } from '../cluster/agent-pod.ts';
import type { StoredReport } from '../cluster/node-report.ts';
import { podlessNodes } from '../cluster/podless-nodes.ts';
import type { Finding } from './findings.ts';

/** Number of nodes that use one upstream as configured, and the reasons why others do not. */
export interface NodeView extends NodeCounts {
  readonly findings: readonly Finding[];
}

export interface NodesInput {
  readonly reports: readonly StoredReport[];
  /** The pods of the agents. */
  readonly agents: readonly AgentPod[];
  /** Since when at least one node has no agent pod; undefined if all have one. */
  readonly podlessSince: number | undefined;
  /** Nodes that should report. */
  readonly total: number;
  /** Revision of the current node document. */
  readonly revision: string;
  /** True if the node document has the upstream as the owner's current spec says. */
  readonly isPublished: (upstream: string) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Clocks of nodes differ by less. */
const SILENT_MINUTES = LEASE_SECONDS / 60;
const SILENT_MS = SILENT_MINUTES * 60_000;
/**
 * An agent reports within seconds of its start, and a slow node needs a minute or two to pull its image. A removal waits as long for a
 * silent node.
 */
const FIRST_REPORT_MINUTES = 5;
const FIRST_REPORT_MS = FIRST_REPORT_MINUTES * 60_000;
/** Shorter, because the reason is known. The scheduler may find a place for the pod in less time, by evicting others. */
const DOWN_MS = 30_000;
/** Nodes named in one message at most. */
const NAMED = 3;

/**
 * The way nodes pull an upstream: through a cache, which is `settled` once it has served for a while, or from the mirrors that hosts.toml
 * names. A node that does not reach a cache yet is pending while the cache is settling, and a problem later: an agent turns to a cache only
 * after several answers.
 */
export type PullWay = 'settling cache' | 'settled cache' | 'mirror';

/** Counts the nodes that use one upstream as configured, and finds the reasons why others do not. */
export function nodeView(input: NodesInput, upstream: string, way: PullWay): NodeView {
  const { reports, agents, podlessSince, now } = input;
  const absent = absentAgents(input, way);
  const { ready, foreign, isOfGardener, failed, silent, failure, pending } = sortReports(
    input,
    upstream,
    way,
    absent.down,
  );
  const total = Math.max(input.total, reports.length);
  const isPodless = podlessSince !== undefined && podlessSince <= now - FIRST_REPORT_MS;
  const podless = isPodless ? podlessNodes(total, agents, reports) : 0;
  const missing = Math.max(0, total - reports.length - absent.withoutReport - podless);
  const isPublished = input.isPublished(upstream);
  const findings = [
    ...when(
      foreign.length > 0,
      'ForeignNodeConfiguration',
      `${upstream}: a hosts.toml that Larder did not write is left unchanged on ${named(foreign)}${isOfGardener ? `; it is ${OF_GARDENER}` : ''}`,
    ),
    ...when(failed.length > 0, 'NodesNotConfigured', `${upstream}: ${named(failed)}: ${failure}`),
    ...when(
      silent.length > 0,
      'NodesNotConfigured',
      `${named(silent)}: no report for ${SILENT_MINUTES} minutes`,
    ),
    ...when(
      absent.down.length > 0,
      'NodesNotConfigured',
      `${absent.down.length} of ${total} nodes have no agent${placesOf(absent.down)}: its pod ${absent.down[0]?.problem}`,
    ),
    ...when(
      absent.unreported.length > 0,
      'NodesNotConfigured',
      `${absent.unreported.length} of ${total} nodes have not reported within ${FIRST_REPORT_MINUTES} minutes${placesOf(absent.unreported)}`,
    ),
    ...when(
      podless > 0,
      'NodesNotConfigured',
      `${podless} of ${total} nodes have had no agent pod for ${FIRST_REPORT_MINUTES} minutes`,
    ),
    ...when(
      !isPublished,
      'ConfiguringNodes',
      `${upstream}: the last change is not published to the nodes yet`,
    ),
    ...when(
      isPublished && pending + missing > 0,
      'ConfiguringNodes',
      `${pending + missing} of ${total} nodes have not carried out the last change`,
    ),
  ];
  return { configured: ready.length, total, findings };
}

/** Sorts the nodes that report by what they do with `upstream`. `failure` is the message of the first that failed. */
function sortReports(
  { reports, revision, now }: NodesInput,
  upstream: string,
  way: PullWay,
  down: readonly AgentPod[],
) {
  const isSettled = way !== 'settling cache';
  const downNodes = new Set(down.map(({ node }) => node));
  const sorted = {
    ready: [] as string[],
    foreign: [] as string[],
    failed: [] as string[],
    silent: [] as string[],
  };
  let failure = '';
  let isOfGardener = false;
  let pending = 0;
  for (const { node, status, renewedAt } of reports) {
    const own = status?.upstreams.find((one) => one.upstream === upstream);
    const isSilent = renewedAt < now - SILENT_MS;
    if (isSilent) sorted.silent.push(node);
    const isCurrent = status?.revision === revision && (isSettled || own?.state !== 'Down');
    if (!isCurrent && !isSilent && !downNodes.has(node)) pending += 1;
    if (status === undefined || own === undefined) continue;
    // Unknown is not Ready: such a node may pull from the origin silently.
    const isRead = status.containerd.state === 'Set';
    if (own.state === 'Foreign') {
      sorted.foreign.push(node);
      isOfGardener ||= own.message.includes(OF_GARDENER);
    } else if (!isRead || own.state === 'Failed' || (own.state === 'Down' && isSettled)) {
      sorted.failed.push(node);
      failure ||= isRead || own.state === 'Failed' ? own.message : status.containerd.message;
    } else if (own.state === 'Ready' && !downNodes.has(node)) sorted.ready.push(node);
  }
  return { ...sorted, isOfGardener, failure, pending };
}

/**
 * Agents that do not work: `down` for a known reason, and `unreported`, which have never reported. `withoutReport` counts those of both that
 * have no report. The report of an agent that is down counts for mirrors alone, because their files name other hosts and stay. A report is
 * deleted with the pod of its agent.
 */
function absentAgents({ agents, reports, now }: NodesInput, way: PullWay) {
  const reporting = new Set<string | undefined>(reports.map(({ node }) => node));
  const hasNoReport = ({ node }: AgentPod): boolean => !reporting.has(node);
  const down = agents
    .filter(({ createdAt, problem }) => problem !== undefined && createdAt <= now - DOWN_MS)
    .filter((agent) => way !== 'mirror' || hasNoReport(agent));
  const unreported = agents
    .filter(({ createdAt, problem }) => problem === undefined && createdAt <= now - FIRST_REPORT_MS)
    .filter(hasNoReport);
  return { down, unreported, withoutReport: [...down, ...unreported].filter(hasNoReport).length };
}

function when(condition: boolean, reason: Reason, message: string): readonly Finding[] {
  return condition ? [{ reason, message }] : [];
}

function placesOf(agents: readonly AgentPod[]): string {
  const nodes = agents.flatMap(({ node }) => node ?? []).sort();
  return nodes.length === 0 ? '' : ` (${named(nodes)})`;
}

function named(nodes: readonly string[]): string {
  const more = nodes.length - NAMED;
  const first = nodes.slice(0, NAMED).join(', ');
  return more > 0 ? `${first} and ${more} more nodes` : `${nodes.length === 1 ? 'node' : 'nodes'} ${first}`;
}
