import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type {
  CacheState,
  CacheEntryStatus,
  CacheCredentialState,
} from '../../api/status/registry-config-status.ts';
import type { ConfigCondition } from '../../api/status/status-fields.ts';
import { bytesOf } from '../../kit/quantity.ts';
import type { KnownCacheState } from '../caches/cache-states.ts';
import { volumeBytes } from '../caches/grow-volume.ts';
import type { SpecId } from '../cluster/spec-id.ts';
import { podProblem } from '../cluster/pod-problem.ts';
import type { VolumeClaim, Pod, StatefulSet } from '../cluster/resources.ts';
import type { CacheStats } from './cache-stats.ts';
import { roundForStatus } from './round-for-status.ts';
import type { Finding } from './findings.ts';
import { firstUseFindings } from './first-use.ts';
import { nodeView, type NodesInput, type NodeView } from './node-view.ts';

/** All that is known of one cache that an object has. */
export interface CacheInput {
  readonly config: CacheConfig;
  /** Of the object that asks for it. */
  readonly spec: SpecId;
  readonly set: StatefulSet | undefined;
  readonly pods: readonly Pod[];
  readonly claim: VolumeClaim | undefined;
  /** Undefined: nobody has worked on it yet. */
  readonly facts: KnownCacheState | undefined;
  /** Undefined: it has not answered for a while. */
  readonly stats: CacheStats | undefined;
  readonly nodes: NodesInput;
  /** What its status said before. */
  readonly before: CacheEntryStatus | undefined;
  /** What was said of its object then. */
  readonly conditions: readonly ConfigCondition[];
}

export interface CacheView {
  readonly status: CacheEntryStatus;
  readonly findings: readonly Finding[];
}

/** The entry of one cache in a status, and what is to be said of it in conditions. */
export function cacheView(input: CacheInput): CacheView {
  const { config, facts, stats, claim } = input;
  const { upstream } = config;
  const problem = firstProblem(input.pods);
  const isRolling = isRollingOut(input.set);
  const state = stateOf(input, isRolling, problem);
  const nodes = nodeView(input.nodes, upstream, hasSettled(input) ? 'settled cache' : 'settling cache');
  const capacity = claim?.status?.capacity?.storage;
  const status: CacheEntryStatus = {
    upstream,
    state,
    ...(facts?.endpoint !== undefined && { endpoint: facts.endpoint }),
    nodes: { configured: nodes.configured, total: nodes.total },
    ...(capacity !== undefined &&
      stats !== undefined && {
        volume: { sizeBytes: bytesOf(capacity), usedBytes: roundForStatus(stats.storedBytes) },
      }),
    ...(stats !== undefined &&
      stats.requests > 0 && { hitRatioPercent: Math.floor((100 * stats.hits) / stats.requests) }),
    ...(stats !== undefined && { bytesSaved: roundForStatus(stats.bytesFromStore) }),
    ...credentialState(config, facts, stats),
    ...lastError(stats, input.before),
  };
  return {
    status,
    findings: [
      ...ownFindings(input, state, isRolling || isBehind(input), problem),
      ...(state === 'Serving' ? firstUse(input, nodes) : []),
      ...nodes.findings,
    ],
  };
}

function* ownFindings(
  { config, facts, stats, claim }: CacheInput,
  state: CacheState,
  isRolling: boolean,
  problem: string | undefined,
): Generator<Finding> {
  const { upstream, volume } = config;
  const say = (reason: Finding['reason'], message: string): Finding => ({
    reason,
    message: `${upstream}: ${message}`,
  });
  if (state === 'Starting') yield say('Starting', starting(claim));
  if (state === 'Failing') yield say('NotServing', problem ?? 'the cache does not serve');
  if (facts?.problem !== undefined) yield say('Stuck', facts.problem);
  if (isRolling) yield say('RollingOut', 'its objects are being applied, or its pod replaced');
  const capacity = claim?.status?.capacity?.storage;
  if (facts?.claimProblem !== undefined) yield say('VolumeCannotGrow', facts.claimProblem);
  else if (capacity !== undefined && bytesOf(capacity) < bytesOf(volume.size))
    yield say('VolumeGrowing', `its volume grows from ${capacity} to ${volume.size}`);
  for (const problem of facts?.missingSecrets ?? []) yield say('CredentialMissing', problem);
  for (const problem of facts?.invalidSecrets ?? []) yield say('CredentialInvalid', problem);
  if (
    namesCredential(config) &&
    facts?.missingSecrets.length === 0 &&
    facts.caBundleProblem === undefined &&
    stats?.secretsMissing === true
  )
    yield say('CredentialMissing', 'a Secret that it names holds no login for it');
  if (stats?.credentialRefused === true)
    yield say('CredentialRejected', 'the upstream refuses its credential');
  if (stats?.cloudLoginMissing === true)
    yield say('CredentialMissing', 'no cloud login can be had, and its upstream is not asked without one');
  else if (stats?.cloudLoginFailing === true)
    yield say('CredentialExpiring', 'its cloud login cannot be renewed, and is used until it ends');
  if (facts?.caBundleProblem !== undefined) yield say('CABundleInvalid', facts.caBundleProblem);
  if (stats?.failing === true) yield say('UpstreamFailing', stats.lastError?.message ?? 'the upstream fails');
  if (stats?.storeFull === true)
    yield say('VolumeFull', 'its volume has no room, new content is passed on without being stored');
}

/** A cache that has served and does not any more fails; one that cannot start for a reason that will not pass by itself fails, too. */
function stateOf({ set, before }: CacheInput, isRolling: boolean, problem: string | undefined): CacheState {
  if ((set?.status?.readyReplicas ?? 0) > 0) return 'Serving';
  if (problem !== undefined) return 'Failing';
  const hasServed = before?.state === 'Serving' || before?.state === 'Failing';
  return hasServed && !isRolling ? 'Failing' : 'Starting';
}

/** No pod runs without its volume, and nothing in the status of a pod that waits for one says so. */
function starting(claim: VolumeClaim | undefined): string {
  const waits =
    claim?.status?.phase === 'Pending' ? `: its claim ${claim.metadata.name} has no volume yet` : '';
  return `the cache is starting${waits}`;
}

/** Agents take three answers, a second apart, and their probes back off to five seconds while a cache is down. */
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
 * Nobody has carried out the spec, or the volume, of now, or what came of that was not seen yet: what is there may all be as the spec before
 * said.
 */
function isBehind({ config, set, claim, facts, spec }: CacheInput): boolean {
  return (
    facts?.madeFor !== spec ||
    facts.volumeBytes !== volumeBytes(claim, config.volume.size) ||
    (set?.metadata.generation ?? 0) < (facts.setGeneration ?? 0)
  );
}

function firstProblem(pods: readonly Pod[]): string | undefined {
  const [problem] = pods.flatMap((pod) => podProblem(pod) ?? []);
  return problem === undefined ? undefined : `its pod ${problem}`;
}

/** A cache that failed had served: nodes that are slow to come back to it are no reason to call it new. */
function firstUse({ config, before, conditions }: CacheInput, nodes: NodeView): Finding[] {
  if (before?.state === 'Failing') return [];
  return firstUseFindings(config.upstream, nodes, { conditions, entry: before });
}

/** The worst of what is known; nothing is said of a cache without a credential of its own. */
function credentialState(
  config: CacheConfig,
  facts: KnownCacheState | undefined,
  stats: CacheStats | undefined,
): { readonly credentialState?: CacheCredentialState } {
  if (!namesCredential(config)) return {};
  if ((facts?.missingSecrets.length ?? 0) > 0) return { credentialState: 'Missing' };
  if (stats === undefined) return {};
  if (stats.credentialRefused) return { credentialState: 'Rejected' };
  const isSecretMissing = stats.secretsMissing && facts?.caBundleProblem === undefined;
  if (isSecretMissing || stats.cloudLoginMissing) return { credentialState: 'Missing' };
  return { credentialState: stats.cloudLoginFailing ? 'Expiring' : 'Valid' };
}

function namesCredential({ secretReferenceName, provider, credentials }: CacheConfig): boolean {
  return secretReferenceName !== undefined || provider !== undefined || credentials.length > 0;
}

/** A cache that was started anew knows none, and one that is down says nothing. */
function lastError(
  stats: CacheStats | undefined,
  before: CacheEntryStatus | undefined,
): Pick<CacheEntryStatus, 'lastUpstreamError'> {
  const last = stats?.lastError ?? before?.lastUpstreamError;
  return last === undefined ? {} : { lastUpstreamError: last };
}
