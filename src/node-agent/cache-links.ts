import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import { HealthGate } from './gate/health-gate.ts';
import { probeCache } from './gate/probe-cache.ts';
import { createProber } from './gate/prober.ts';
import type { NodeCache, NodeDocument } from '../fleet/node-document.ts';
import { createCacheClient } from './cache-client/cache-client.ts';
import type { RelayTarget } from './relay/relay.ts';
import { createSlabs } from './cache-client/slabs.ts';

export interface CacheLinksDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskGroup;
  /** A gate was opened or closed, so the hosts.toml files have to change. */
  readonly onChange: () => void;
}

/** A link to each cache of the current node document: connections, gate and prober. */
export interface CacheLinks {
  /** Follows another document. An unchanged cache keeps its connections and the state of its gate. */
  apply(document: NodeDocument): void;
  target(upstream: string): RelayTarget | undefined;
  /** Resolves once each cache has been probed, after a second at most. */
  whenProbed(): Promise<void>;
  close(): void;
}

export function createCacheLinks(deps: CacheLinksDeps): CacheLinks {
  const slabs = createSlabs();
  let current = new Map<string, CacheLink>();

  return {
    apply({ caches, ca }) {
      const old = current;
      current = new Map(
        caches.map((cache) => {
          const key = JSON.stringify([cache.endpoint, cache.serverName, ca]);
          const known = old.get(cache.upstream);
          return [cache.upstream, known?.key === key ? known : start(cache, ca, key)];
        }),
      );
      const kept = new Set(current.values());
      for (const cache of old.values()) if (!kept.has(cache)) cache.stop();
    },
    target: (upstream) => current.get(upstream),
    async whenProbed() {
      await Promise.all([...current.values()].map((cache) => cache.firstProbe));
    },
    close() {
      for (const cache of current.values()) cache.stop();
      current = new Map();
    },
  };

  function start({ upstream, endpoint, serverName }: NodeCache, ca: string, key: string): CacheLink {
    const { clock, logger, tasks, onChange } = deps;
    const client = createCacheClient(clock, slabs, { endpoint, serverName, ca });
    let wasClosed = true;
    const gate = new HealthGate(clock, (state) => {
      // Waiting requests go to the origin, like the next ones.
      if (state !== 'open')
        client.failWaiting(
          new LarderError('CACHE_UNAVAILABLE', `the cache of ${upstream} has stopped answering`),
        );
      const isClosed = state === 'closed';
      if (isClosed !== wasClosed) {
        wasClosed = isClosed;
        if (isClosed) {
          logger.warn('cache down, pulls go to the origin', {
            event: 'cache-down',
            upstream,
            error: gate.problem,
          });
        } else logger.info('cache up', { event: 'cache-up', upstream });
      } else if (!isClosed) return;
      onChange();
    });
    const prober = createProber(clock, gate, (signal) => probeCache(client, serverName, clock, signal));
    const stopped = new AbortController();
    tasks.run(`probe the cache of ${upstream}`, (signal) =>
      prober.run(AbortSignal.any([signal, stopped.signal])),
    );
    return {
      key,
      upstream,
      gate,
      client,
      probeNow: () => prober.probeNow(),
      firstProbe: prober.firstProbe,
      stop() {
        // The cache is probed until its last answer has ended.
        client.close(() => stopped.abort());
      },
    };
  }
}

interface CacheLink extends RelayTarget {
  /** Address and authority of the cache. A different key means another cache. */
  readonly key: string;
  readonly firstProbe: Promise<void>;
  stop(): void;
}
