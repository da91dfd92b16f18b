import { LEASE_SECONDS } from '../../fleet/node-lease.ts';
import type { AgentPod } from '../cluster/agent-pod.ts';
import type { StoredReport } from '../cluster/node-report.ts';
import { podlessNodes } from '../cluster/podless-nodes.ts';
import type { Finding } from './findings.ts';

/** What the nodes do for one upstream. */
export interface NodeView {
  readonly configured: number;
  readonly total: number;
  readonly findings: readonly Finding[];
}

export interface NodesInput {
  readonly reports: readonly StoredReport[];
  /** The pods of the agents. */
  readonly agents: readonly AgentPod[];
  /** Since when some node has no such pod; undefined: all have. */
  readonly podlessSince: number | undefined;
  /** Nodes that should report. */
  readonly total: number;
  /** Of the document that they should have carried out. */
  readonly revision: string;
  /** Whether that document says of an upstream what the object asks for now. */
  readonly isTold: (upstream: string) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Clocks of nodes differ by less. */
const SILENT_MS = 1000 * LEASE_SECONDS;
/**
 * An agent reports within seconds of its start, and a slow node needs a minute or two to pull its image; a removal waits for a silent node as
 * long.
 */
const FIRST_REPORT_MINUTES = 5;
const FIRST_REPORT_MS = FIRST_REPORT_MINUTES * 60_000;
/** Where it is known why an agent does not come up, it is said sooner; the scheduler may find it a place in less, by evicting others. */
const DOWN_MS = 30_000;
/** Named in one message at the most. */
const NAMED = 3;

/**
 * How pulls of an upstream go: by a cache, which is `settled` when it has served for a while; or as hosts.toml alone says. A node that does not
 * reach a cache is on its way before it has settled, and has a problem then: an agent turns to a cache only after several answers.
 */
export type PullWay = 'settling cache' | 'settled cache' | 'mirror';

/** What the nodes do for one upstream, and what of it should be otherwise. */
export function nodeView(input: NodesInput, upstream: string, way: PullWay): NodeView {
  const { reports, total, revision, now } = input;
  const isSettled = way !== 'settling cache';
  const ready: string[] = [];
  const foreign: string[] = [];
  const failed: string[] = [];
  const silent: string[] = [];
  let why = '';
  let onTheirWay = 0;
  const { down, mute, unheard } = absentAgents(input, way);
  const downNodes = new Set(down.map(({ node }) => node));
  for (const { node, status, renewedAt } of reports) {
    const own = status?.upstreams.find((one) => one.upstream === upstream);
    const isSilent = renewedAt < now - SILENT_MS;
    if (isSilent) silent.push(node);
    const isCurrent = status?.revision === revision && (isSettled || own?.state !== 'Down');
    if (!isCurrent && !isSilent && !downNodes.has(node)) onTheirWay += 1;
    if (status === undefined || own === undefined) continue;
    // A node of which it is not known must not pass for one that works: its pulls go to the origin without a word.
    const isRead = status.containerd.state === 'Set';
    if (own.state === 'Foreign') foreign.push(node);
    else if (!isRead || own.state === 'Failed' || (own.state === 'Down' && isSettled)) {
      failed.push(node);
      why ||= isRead || own.state === 'Failed' ? own.message : status.containerd.message;
    } else if (own.state === 'Ready' && !downNodes.has(node)) ready.push(node);
  }
  const all = Math.max(total, reports.length);
  const isPodless = input.podlessSince !== undefined && input.podlessSince <= now - FIRST_REPORT_MS;
  const podless = isPodless ? podlessNodes(all, input.agents, reports) : 0;
  onTheirWay += Math.max(0, all - reports.length - unheard - podless);
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
  if (down.length > 0)
    findings.push({
      reason: 'NodesNotConfigured',
      message: `${down.length} of ${all} nodes have no agent${placesOf(down)}: its pod ${down[0]?.problem}`,
    });
  if (mute.length > 0)
    findings.push({
      reason: 'NodesNotConfigured',
      message: `${mute.length} of ${all} nodes have not reported once in ${FIRST_REPORT_MINUTES} minutes${placesOf(mute)}`,
    });
  if (podless > 0)
    findings.push({
      reason: 'NodesNotConfigured',
      message: `${podless} of ${all} nodes have had no pod of the agent for ${FIRST_REPORT_MINUTES} minutes`,
    });
  if (!input.isTold(upstream))
    findings.push({
      reason: 'ConfiguringNodes',
      message: `${upstream}: nodes are about to be told of the last change`,
    });
  else if (onTheirWay > 0)
    findings.push({
      reason: 'ConfiguringNodes',
      message: `${onTheirWay} of ${all} nodes have not carried out the last change`,
    });
  return { configured: ready.length, total: all, findings };
}

/**
 * Agents that are not there: `down` for a reason that is known, and `mute`, since they never have reported. What an agent that is down has reported
 * counts for mirrors alone, whose files lead elsewhere and stay. `unheard`: how many of both have no report. A report goes with its agent's pod.
 */
function absentAgents({ agents, reports, now }: NodesInput, way: PullWay) {
  const heard = new Set<string | undefined>(reports.map(({ node }) => node));
  const isUnheard = ({ node }: AgentPod): boolean => !heard.has(node);
  const down = agents
    .filter(({ createdAt, problem }) => problem !== undefined && createdAt <= now - DOWN_MS)
    .filter((agent) => way !== 'mirror' || isUnheard(agent));
  const mute = agents
    .filter(({ createdAt, problem }) => problem === undefined && createdAt <= now - FIRST_REPORT_MS)
    .filter(isUnheard);
  return { down, mute, unheard: [...down, ...mute].filter(isUnheard).length };
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
