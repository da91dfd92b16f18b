import type { CacheEntryStatus, CacheState } from '../../api/status/registry-config-status.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';
import { bytesOf } from '../../kit/quantity.ts';
import { volumeBytes } from '../caches/grow-volume.ts';
import { podProblem } from '../cluster/pod-problem.ts';
import type { Pod, StatefulSet } from '../cluster/resources.ts';
import type { SpecId } from '../cluster/spec-id.ts';
import { CACHE_RULES, namesCredential, type CacheObservation, type RuleInput } from './cache-rules.ts';
import type { CacheStats } from './cache-stats.ts';
import type { Finding } from './findings.ts';
import { firstUseFindings } from './first-use.ts';
import { nodeView, type NodesInput, type NodeView } from './node-view.ts';
import { roundForStatus } from './numbers.ts';

/** Everything known of one cache. */
export interface CacheInput extends CacheObservation {
  /** Current spec of the owner. */
  readonly currentSpec: SpecId;
  readonly set: StatefulSet | undefined;
  readonly pods: readonly Pod[];
  readonly nodes: NodesInput;
  /** Its entry in the previous status. */
  readonly before: CacheEntryStatus | undefined;
  /** Conditions of the owner in the previous status. */
  readonly conditions: readonly ConfigCondition[];
}

export interface CacheView {
  readonly status: CacheEntryStatus;
  readonly findings: readonly Finding[];
}

/** Computes the entry of a cache in the status of its owner, and its findings for the conditions. */
export function cacheView(input: CacheInput): CacheView {
  const { config, known, stats, claim } = input;
  const { upstream } = config;
  const problem = firstProblem(input.pods);
  const isReplacing = isRollingOut(input.set);
  const state = stateOf(input, isReplacing, problem);
  const nodes = nodeView(input.nodes, upstream, hasSettled(input) ? 'settled cache' : 'settling cache');
  const capacity = claim?.status?.capacity?.storage;
  const status: CacheEntryStatus = {
    upstream,
    state,
    ...(known?.endpoint !== undefined && { endpoint: known.endpoint }),
    nodes: { configured: nodes.configured, total: nodes.total },
    ...(capacity !== undefined &&
      stats !== undefined && {
        volume: { sizeBytes: bytesOf(capacity), usedBytes: roundForStatus(stats.storedBytes) },
      }),
    ...(stats !== undefined &&
      stats.requests > 0 && { hitRatioPercent: Math.floor((100 * stats.hits) / stats.requests) }),
    ...(stats !== undefined && { bytesSaved: roundForStatus(stats.bytesFromStore) }),
    ...credentialState(input),
    ...lastError(stats, input.before),
  };
  const isRolling = isReplacing || isBehind(input);
  return {
    status,
    findings: [
      ...ownFindings({ config, known, stats, claim, state, isRolling, podProblem: problem }),
      ...(state === 'Serving' ? firstUse(input, nodes) : []),
      ...nodes.findings,
    ],
  };
}

function ownFindings(cache: RuleInput): Finding[] {
  const { upstream } = cache.config;
  return CACHE_RULES.flatMap(({ reason, messages }) =>
    messages(cache).map((message): Finding => ({ reason, message: `${upstream}: ${message}` })),
  );
}

/** A cache fails if it served before and no longer does, or if it cannot start without help. */
function stateOf({ set, before }: CacheInput, isReplacing: boolean, problem: string | undefined): CacheState {
  if ((set?.status?.readyReplicas ?? 0) > 0) return 'Serving';
  if (problem !== undefined) return 'Failing';
  const hasServed = before?.state === 'Serving' || before?.state === 'Failing';
  return hasServed && !isReplacing ? 'Failing' : 'Starting';
}

/** Agents require three answers, a second apart, and their probes back off to five seconds while a cache is down. */
const SETTLING_MS = 30_000;

function hasSettled({ pods, nodes: { now } }: CacheInput): boolean {
  const times = pods.flatMap(({ status }) =>
    (status?.conditions ?? []).flatMap(({ type, status: is, lastTransitionTime: since }) =>
      type === 'Ready' && is === 'True' && since !== undefined ? [Date.parse(since)] : [],
    ),
  );
  return times.length > 0 && Math.min(...times) <= now - SETTLING_MS;
}

function isRollingOut(set: StatefulSet | undefined): boolean {
  if (set === undefined) return true;
  const { observedGeneration, currentRevision, updateRevision } = set.status ?? {};
  return observedGeneration !== set.metadata.generation || currentRevision !== updateRevision;
}

/**
 * True if the current spec or volume size was not applied, or its result not observed yet. What exists may still follow the previous spec.
 */
function isBehind({ config, set, claim, known, currentSpec }: CacheInput): boolean {
  return (
    known?.appliedSpec !== currentSpec ||
    known.volumeBytes !== volumeBytes(claim, config.volume.size) ||
    (set?.metadata.generation ?? 0) < (known.appliedGeneration ?? 0)
  );
}

function firstProblem(pods: readonly Pod[]): string | undefined {
  const [problem] = pods.flatMap((pod) => podProblem(pod) ?? []);
  return problem === undefined ? undefined : `its pod ${problem}`;
}

/** A cache that failed had served before. Nodes that are slow to return to it do not make it new. */
function firstUse({ config, before, conditions }: CacheInput, nodes: NodeView): Finding[] {
  if (before?.state === 'Failing') return [];
  return firstUseFindings(config.upstream, nodes, { conditions, entry: before });
}

/** The worst of its credentials; absent for a cache without a credential of its own. */
function credentialState({
  config,
  known,
  stats,
}: CacheObservation): Pick<CacheEntryStatus, 'credentialState'> {
  if (!namesCredential(config)) return {};
  if ((known?.missingSecrets.length ?? 0) > 0) return { credentialState: 'Missing' };
  if (stats === undefined) return {};
  if (stats.credentialRefused) return { credentialState: 'Rejected' };
  const isSecretMissing = stats.secretsMissing && known?.caBundleProblem === undefined;
  if (isSecretMissing || stats.cloudLoginMissing) return { credentialState: 'Missing' };
  return { credentialState: stats.cloudLoginFailing ? 'Expiring' : 'Valid' };
}

/** The last known error. A restarted cache remembers none, and a cache that is down reports none. */
function lastError(
  stats: CacheStats | undefined,
  before: CacheEntryStatus | undefined,
): Pick<CacheEntryStatus, 'lastUpstreamError'> {
  const last = stats?.lastError ?? before?.lastUpstreamError;
  return last === undefined ? {} : { lastUpstreamError: last };
}
