import { sleep, type Clock } from '../../kit/clock.ts';
import { formatAddress } from '../../kit/listen.ts';
import { clusterIpOf } from '../nodes/cluster-ip.ts';
import type { WatchedObjects } from '../ownership/existing-objects.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import type { Plan, PlannedCache } from '../configs/plan.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import { PORTS } from '../render/cache-names.ts';
import type { Watched } from '../cluster/watched.ts';
import { readCacheStats, type CacheStats } from './cache-stats.ts';

/** Costs the API server nothing; a refused credential is seen within this time. */
const EVERY_MS = 5_000;
/** Caches that are asked at a time. */
const AT_ONCE = 10;
/**
 * What a cache said is good for so long without another answer: longer than a pod takes to be replaced, and than a few answers that come too
 * late, since silence is not health; and shorter than it would take to mislead somebody who looks at a cache that hangs.
 */
const KEPT_MS = 30_000;

export interface StatsPollerDeps {
  readonly clock: Clock;
  readonly watched: WatchedObjects & Pick<Watched, 'whenSynced'>;
  readonly plan: () => Plan;
  readonly namespace: string;
}

export interface StatsPoller {
  /** What the cache `key` said last; undefined when it has not answered for a while. */
  get(key: string): CacheStats | undefined;
  /** Tells of each cache that says something else than before. */
  onChange(handler: (key: string) => void): void;
  /** Asks all caches, as soon as it is known which there are, again and again, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Asks the caches how they do, for the status of the objects. */
export function createStatsPoller({ clock, watched, plan, namespace }: StatsPollerDeps): StatsPoller {
  const known = new Map<string, Answer>();
  const handlers = new Set<(key: string) => void>();

  async function ask(planned: PlannedCache, signal: AbortSignal): Promise<void> {
    const { key, config, owner } = planned;
    const host = clusterIpOf(planned, watched, namespace);
    const stats =
      host === undefined
        ? undefined
        : await readCacheStats(
            `http://${formatAddress({ host, port: PORTS.admin })}`,
            config.upstream,
            clock,
            signal,
          );
    const last = known.get(key);
    const isOurs = last !== undefined && isOf(last, owner);
    const at = clock.monotonic();
    if (stats !== undefined) {
      known.set(key, { owner: configId(owner), uid: owner.metadata.uid, stats, at });
      if (isOurs && JSON.stringify(last.stats) === JSON.stringify(stats)) return;
    } else {
      if (last === undefined || (isOurs && at - last.at < KEPT_MS)) return;
      known.delete(key);
    }
    for (const handler of handlers) handler(key);
  }

  async function askAll(signal: AbortSignal): Promise<void> {
    const { caches } = plan();
    for (const key of known.keys()) if (!caches.has(key)) known.delete(key);
    const waiting = [...caches.values()].values();
    const work = async (): Promise<void> => {
      for (const cache of waiting) if (!signal.aborted) await ask(cache, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  return {
    get(key) {
      const owner = plan().caches.get(key)?.owner;
      const one = known.get(key);
      return owner !== undefined && one !== undefined && isOf(one, owner) ? one.stats : undefined;
    },
    onChange: (handler) => void handlers.add(handler),
    async run(signal) {
      await watched.whenSynced(signal).catch(() => {});
      while (!signal.aborted) {
        await askAll(signal);
        await sleep(clock, EVERY_MS, signal).catch(() => {});
      }
    },
  };
}

interface Answer {
  /** Who asked for the cache then, and which object of that name: a cache of another one is another cache. */
  readonly owner: ConfigId;
  readonly uid: string | undefined;
  readonly stats: CacheStats;
  /** Of the monotonic clock. */
  readonly at: number;
}

function isOf({ owner, uid }: Answer, object: ConfigObject): boolean {
  return owner === configId(object) && uid === object.metadata.uid;
}
