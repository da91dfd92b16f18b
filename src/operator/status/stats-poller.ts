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

/** Polling costs the API server nothing. A refused credential shows within this time. */
const EVERY_MS = 5_000;
/** Caches polled at the same time. */
const AT_ONCE = 10;
/**
 * Validity of an answer if no other one comes. Longer than the replacement of a pod and a few late answers take, because a short silence
 * says nothing about health. Short enough not to mislead a user whose cache hangs.
 */
const KEPT_MS = 30_000;

export interface StatsPollerDeps {
  readonly clock: Clock;
  readonly watched: WatchedObjects & Pick<Watched, 'whenSynced'>;
  readonly plan: () => Plan;
}

export interface StatsPoller {
  /** The last answer of the cache `key`; undefined if it has not answered for a while. */
  get(key: string): CacheStats | undefined;
  /** Calls `handler` with the key of each cache whose answer has changed. */
  onChange(handler: (key: string) => void): void;
  /** Waits until the cluster is watched, then polls all caches until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Polls the statistics of the caches, for the status of their owners. */
export function createStatsPoller(
  { clock, watched, plan }: StatsPollerDeps,
  { namespace }: { readonly namespace: string },
): StatsPoller {
  const known = new Map<string, Answer>();
  const handlers = new Set<(key: string) => void>();

  async function poll(planned: PlannedCache, signal: AbortSignal): Promise<void> {
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
    const isSameOwner = last !== undefined && isOf(last, owner);
    const at = clock.monotonic();
    if (stats !== undefined) {
      known.set(key, { owner: configId(owner), uid: owner.metadata.uid, stats, at });
      if (isSameOwner && JSON.stringify(last.stats) === JSON.stringify(stats)) return;
    } else {
      if (last === undefined || (isSameOwner && at - last.at < KEPT_MS)) return;
      known.delete(key);
    }
    for (const handler of handlers) handler(key);
  }

  async function pollAll(signal: AbortSignal): Promise<void> {
    const { caches } = plan();
    for (const key of known.keys()) if (!caches.has(key)) known.delete(key);
    const waiting = [...caches.values()].values();
    const work = async (): Promise<void> => {
      for (const cache of waiting) if (!signal.aborted) await poll(cache, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  return {
    get(key) {
      const owner = plan().caches.get(key)?.owner;
      const last = known.get(key);
      return owner !== undefined && last !== undefined && isOf(last, owner) ? last.stats : undefined;
    },
    onChange: (handler) => void handlers.add(handler),
    async run(signal) {
      await watched.whenSynced(signal).catch(() => {});
      while (!signal.aborted) {
        await pollAll(signal);
        await sleep(clock, EVERY_MS, signal).catch(() => {});
      }
    },
  };
}

interface Answer {
  /** The owner at that time. With another owner, or one with another uid, it is another cache. */
  readonly owner: ConfigId;
  readonly uid: string | undefined;
  readonly stats: CacheStats;
  /** Monotonic time. */
  readonly at: number;
}

function isOf({ owner, uid }: Answer, object: ConfigObject): boolean {
  return owner === configId(object) && uid === object.metadata.uid;
}
