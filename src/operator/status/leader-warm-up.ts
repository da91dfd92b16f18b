import type { Clock } from '../../kit/clock.ts';
import type { CacheEntryStatus } from '../../api/status/registry-config-status.ts';
import type { CacheStates } from '../caches/cache-states.ts';
import { ownerOf } from '../ownership/existing-objects.ts';
import { configId } from '../cluster/config-id.ts';
import type { PlannedCache } from '../configs/plan.ts';
import type { Planner } from '../configs/planner.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import type { NodeProblems } from '../nodes/node-problems.ts';
import type { PublishedDocument } from '../nodes/published-document.ts';
import type { Watched } from '../cluster/watched.ts';
import { entryOf } from './entry-of.ts';
import type { StatsPoller } from './stats-poller.ts';

/**
 * A leader knows of its caches, and they have answered, within a second or two. Longer than a reconcile that has to be tried again; and no
 * longer, for one that hangs, or a cache that does, is to be told of.
 */
const PATIENCE_MS = 30_000;

export interface StartPatienceDeps {
  readonly clock: Clock;
  readonly watched: Pick<Watched, 'statefulSets'>;
  readonly planner: Pick<Planner, 'plan'>;
  readonly facts: Pick<CacheStates, 'get'>;
  readonly stats: Pick<StatsPoller, 'get'>;
  readonly told: Pick<PublishedDocument, 'get'>;
  readonly nodeProblems: Pick<NodeProblems, 'get'>;
}

/**
 * For how long, in milliseconds, what a former leader said of an object is left to stand; 0: its status is to be made now. A leader that starts
 * has not worked on the caches yet, nor asked them, nor told the nodes: that it knows of nothing wrong does not mean that all is well. What it
 * learns wakes the object before that time is over.
 */
export function createLeaderWarmUp(
  deps: StartPatienceDeps,
  { namespace }: { readonly namespace: string },
): (object: ConfigObject) => number {
  const { clock, watched, facts, stats, told, nodeProblems } = deps;
  /** Of the first question, by the monotonic clock. */
  let startedAt: number | undefined;

  return (object) => {
    startedAt ??= clock.monotonic();
    const leftMs = startedAt + PATIENCE_MS - clock.monotonic();
    if (leftMs <= 0 || (object.status?.conditions ?? []).length === 0) return 0;
    const caches = deps.planner.plan().cachesOf(configId(object));
    const isKnown =
      areNodesKnown() && caches.every((cache) => isCacheKnown(cache, entryOf(object, cache.key)));
    return isKnown ? 0 : leftMs;
  };

  function areNodesKnown(): boolean {
    return told.get() !== undefined || nodeProblems.get().size > 0;
  }

  /** Of one that does not stand yet, or not on behalf of this object, there is nothing that could have been said before. */
  function isCacheKnown({ key, owner }: PlannedCache, before: CacheEntryStatus | undefined): boolean {
    const set = watched.statefulSets.get({ namespace, name: key });
    if (set === undefined || ownerOf(set) !== configId(owner)) return true;
    if (facts.get(key) === undefined) return false;
    const isServing = (set.status?.readyReplicas ?? 0) > 0;
    const hasAnswered = before?.bytesSaved !== undefined;
    return !isServing || !hasAnswered || stats.get(key) !== undefined;
  }
}
