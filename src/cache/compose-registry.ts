import type { Server } from 'node:http';
import { CHUNK_BYTES } from '../store/sums/chunk-sums.ts';
import type { ContentStore, Documents, SpoolStore, TagStore } from '../store/types.ts';
import type { Access } from './access/access.ts';
import type { ActiveConfig } from './active-config.ts';
import { createAccessCheck } from './answers/authorize.ts';
import { createBlobAnswers } from './answers/blob.ts';
import { createListAnswers } from './answers/lists.ts';
import { createManifestAnswers } from './answers/manifest.ts';
import { createTagFreshness } from './answers/tag-freshness.ts';
import { createHandler } from './handler.ts';
import { createObserver, type RequestTotals } from './http/observe.ts';
import {
  createRegistryListener,
  type ExtraHeaders,
  type RegistryListenerDeps,
  type Tls,
} from './http/registry-listener.ts';
import { createBufferPool } from './pull/buffer-pool.ts';
import { createStaleFallback } from './pull/stale-fallback.ts';
import type { Pulls, PullsDeps } from './pulls.ts';
import { createPingAnswers } from './token/ping.ts';
import { createTokenRealm } from './token/token-realm.ts';
import { createUpstreamHealth, type UpstreamHealth } from './upstream-health.ts';

/** 16 readers at full speed, with two buffers each, take 16 MiB. Further readers use small buffers. */
const BUFFERS = {
  largeBytes: 512 * 1024,
  largeCount: 32,
  largeIdle: 16,
  // The smallest piece in which stored bytes can be checked.
  smallBytes: CHUNK_BYTES,
};

export interface ComposeRegistryDeps extends PullsDeps {
  readonly store: ContentStore & SpoolStore & TagStore & Documents;
  readonly active: ActiveConfig;
  readonly access: Access;
  readonly pulls: Pulls;
}

export interface ComposeRegistryOptions {
  readonly externalUrl: URL | undefined;
  readonly tls: Tls | undefined;
  readonly headers: ExtraHeaders | undefined;
}

export interface ComposedRegistry {
  readonly server: Server;
  /** Number of responses that are running. */
  readonly responding: () => number;
  readonly totals: ReadonlyMap<string, RequestTotals>;
  readonly health: UpstreamHealth;
}

/** Builds the registry listener, and observes what it answers. */
export function composeRegistry(
  deps: ComposeRegistryDeps,
  { externalUrl, tls, headers }: ComposeRegistryOptions,
): ComposedRegistry {
  const { metrics, clock, logger } = deps;
  const observer = createObserver(metrics, logger, clock);
  const health = createUpstreamHealth(clock);
  let responding = 0;
  const server = createRegistryListener(
    {
      handle: composeHandler(deps, externalUrl),
      began: () => {
        responding += 1;
      },
      observe: (exchange, startedAt) => {
        responding -= 1;
        observer.observe(exchange, startedAt);
        health.record(exchange);
      },
      ...(headers !== undefined && { headers }),
      clock,
      logger,
    },
    tls,
  );
  return { server, responding: () => responding, totals: observer.totals, health };
}

function composeHandler(
  { store, active, access, pulls, tasks, metrics, clock, logger }: ComposeRegistryDeps,
  externalUrl: URL | undefined,
): RegistryListenerDeps['handle'] {
  const { signal } = tasks;
  const { engine, manifests, failures, sizes } = pulls;
  const staleFallback = createStaleFallback(clock);
  const authorize = createAccessCheck(staleFallback);
  const tokens = createTokenRealm({ store, access, clock, logger, metrics, externalUrl });
  return createHandler({
    table: () => active.table,
    access,
    answerPing: createPingAnswers({ access, tokens, clock }),
    answerManifest: createManifestAnswers({
      manifests,
      authorize,
      resolveTag: createTagFreshness({ store, manifests, staleFallback, clock, failures, signal }),
      clock,
      logger,
    }),
    answerBlob: createBlobAnswers({
      store,
      pulls: engine,
      authorize,
      pool: createBufferPool(BUFFERS),
      sizes,
      clock,
      joined: () => metrics.fillJoins.inc(),
    }),
    lists: createListAnswers({ clock, failures, signal }),
    tokens,
  });
}
