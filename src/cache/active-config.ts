import type { CacheConfig, RegistryConfig } from '../api/registry-config/effective.ts';
import { LarderError } from '../kit/errors.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { Store, UpstreamPolicy } from '../store/types.ts';
import type { Upstream } from '../upstream/types.ts';
import { createReplaceableClient, type ReplaceableClient } from './replaceable-client.ts';
import { createSingleUpstreamTable, createUpstreamTable, type UpstreamTable } from './upstreams.ts';

export interface ActiveConfigDeps {
  readonly store: Pick<Store, 'setPolicies'>;
  readonly tasks: TaskGroup;
  /** Makes the client of one upstream. It opens no connection yet. */
  readonly connect: (cache: CacheConfig) => Upstream;
  readonly defaultUpstream: string | undefined;
  /** True: the only upstream of the configuration gets all requests, whatever they name. */
  readonly isSingleUpstream: boolean;
}

/** The current configuration. Running requests keep the table they began with. */
export interface ActiveConfig {
  readonly table: UpstreamTable;
  readonly config: RegistryConfig;
  /**
   * Replaces the configuration without dropping a request. Clients of unchanged upstreams keep their tokens and connections.
   * Clients of changed upstreams end their running requests.
   */
  apply(config: RegistryConfig): void;
  /** Closes every client. */
  close(): Promise<void>;
}

/**
 * Throws `CONFIG_INVALID` if `--default-upstream` names no configured upstream. So does `apply`, which then changes
 * nothing.
 */
export function createActiveConfig(deps: ActiveConfigDeps, first: RegistryConfig): ActiveConfig {
  let config = first;
  let connections: ReadonlyMap<string, Connection> = new Map();
  let table = activate(first);

  function activate(next: RegistryConfig): UpstreamTable {
    const wanted = deps.defaultUpstream;
    if (wanted !== undefined && !next.caches.some((cache) => cache.upstream === wanted)) {
      const configured = next.caches.map((cache) => cache.upstream).join(', ');
      throw new LarderError(
        'CONFIG_INVALID',
        `--default-upstream ${wanted} is not configured; configured: ${configured}`,
      );
    }
    const before = connections;
    const changed = next.caches.filter((cache) => !sameConnection(before.get(cache.upstream)?.config, cache));
    // All clients are made first: if one throws, nothing has changed yet.
    const made = new Map(changed.map((cache) => [cache.upstream, deps.connect(cache)]));
    connections = new Map(
      next.caches.map((cache) => [
        cache.upstream,
        {
          config: cache,
          replaceable: replaceableClient(before.get(cache.upstream)?.replaceable, made.get(cache.upstream)),
        },
      ]),
    );
    for (const [name, { replaceable }] of before) if (!connections.has(name)) close(replaceable.client);
    deps.store.setPolicies(policiesOf(next));
    const all = [...connections].map(([name, { config, replaceable }]) => ({
      name,
      config,
      client: replaceable.client,
    }));
    const [only] = all;
    return deps.isSingleUpstream && only !== undefined
      ? createSingleUpstreamTable(only)
      : createUpstreamTable(all, wanted);
  }

  function replaceableClient(
    before: ReplaceableClient | undefined,
    made: Upstream | undefined,
  ): ReplaceableClient {
    if (before === undefined) return createReplaceableClient(made as Upstream);
    if (made !== undefined) close(before.replace(made));
    return before;
  }

  function close(client: Upstream): void {
    deps.tasks.run('close upstream', () => client.close());
  }

  return {
    get table() {
      return table;
    },
    get config() {
      return config;
    },
    apply(next) {
      table = activate(next);
      config = next;
    },
    async close() {
      await Promise.all(table.all.map((upstream) => upstream.client.close()));
    },
  };
}

interface Connection {
  /** The settings that the current client was made from. */
  readonly config: CacheConfig;
  readonly replaceable: ReplaceableClient;
}

/** The policy of the store for each upstream. */
export function policiesOf(config: RegistryConfig): Map<string, UpstreamPolicy> {
  return new Map(
    config.caches.map(({ upstream, garbageCollection }) => [
      upstream,
      { ttlMs: garbageCollection.ttlMs, maxBytes: garbageCollection.maxSizeBytes },
    ]),
  );
}

/** True for settings that the upstream's client is made from: a change makes a new client. Each request reads the others. */
const IS_OF_CLIENT: Readonly<Record<keyof CacheConfig, boolean>> = {
  upstream: false,
  remoteURL: true,
  proxy: true,
  secretReferenceName: true,
  credentials: true,
  provider: true,
  caBundleSecretReferenceName: true,
  authentication: false,
  freshness: false,
  garbageCollection: false,
  highAvailability: false,
  http: false,
  preload: false,
  serviceNameSuffix: false,
  volume: false,
};
const CONNECTION_FIELDS = (Object.keys(IS_OF_CLIENT) as (keyof CacheConfig)[]).filter(
  (field) => IS_OF_CLIENT[field],
);

function sameConnection(a: CacheConfig | undefined, b: CacheConfig): boolean {
  return (
    a !== undefined &&
    CONNECTION_FIELDS.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]))
  );
}
