import type { CacheEntryStatus } from '../../api/status/registry-config-status.ts';
import type { Clock } from '../../kit/clock.ts';
import type { CacheStates } from '../caches/cache-states.ts';
import { configId } from '../cluster/config-id.ts';
import type { Watched } from '../cluster/watched.ts';
import type { PlannedCache } from '../configs/plan.ts';
import type { Planner } from '../configs/planner.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { NodeProblems } from '../nodes/node-problems.ts';
import type { PublishedDocument } from '../nodes/published-document.ts';
import { ownerOf } from '../ownership/existing-objects.ts';
import { cacheEntryOf } from './registry-config-status.ts';
import type { StatsPoller } from './stats-poller.ts';

/**
 * A leader has reconciled its caches, and has their answers, within a second or two. The limit leaves time to retry a reconcile that failed.
 * It is no longer than that, because a reconcile or a cache that hangs must show in the status.
 */
const WARM_UP_MS = 30_000;

export interface LeaderWarmUpDeps {
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'statefulSets'>;
  readonly planner: Pick<Planner, 'plan'>;
  readonly states: Pick<CacheStates, 'get'>;
  readonly stats: Pick<StatsPoller, 'get'>;
  readonly published: Pick<PublishedDocument, 'get'>;
  readonly nodeProblems: Pick<NodeProblems, 'get'>;
}

/**
 * Returns how long the previous leader's status of an object is kept, in ms; 0: write a new one now. A new leader has not reconciled the
 * caches, polled them or published the node document yet, so the absence of problems means nothing. Whatever it learns wakes the object
 * before the time is over.
 */
export function createLeaderWarmUp(
  deps: LeaderWarmUpDeps,
  { namespace }: { readonly namespace: string },
): (object: ConfigObject) => number {
  const { clock, watched, states, stats, published, nodeProblems } = deps;
  /** Monotonic time of the first call. */
  let startedAt: number | undefined;

  return (object) => {
    startedAt ??= clock.monotonic();
    const leftMs = startedAt + WARM_UP_MS - clock.monotonic();
    if (leftMs <= 0 || (object.status?.conditions ?? []).length === 0) return 0;
    const caches = deps.planner.plan().cachesOf(configId(object));
    const isKnown =
      areNodesKnown() && caches.every((cache) => isCacheKnown(cache, cacheEntryOf(object, cache.key)));
    return isKnown ? 0 : leftMs;
  };

  function areNodesKnown(): boolean {
    return published.get() !== undefined || nodeProblems.get().size > 0;
  }

  /** True also for a cache that does not exist yet, or belongs to another object: the previous status has nothing of it to keep. */
  function isCacheKnown({ key, owner }: PlannedCache, before: CacheEntryStatus | undefined): boolean {
    const set = watched.statefulSets.get({ namespace, name: key });
    if (set === undefined || ownerOf(set) !== configId(owner)) return true;
    if (states.get(key) === undefined) return false;
    const isServing = (set.status?.readyReplicas ?? 0) > 0;
    const hadStats = before?.bytesSaved !== undefined;
    return !isServing || !hadStats || stats.get(key) !== undefined;
  }
}
