import type { CacheConfig, RegistryConfig } from '../api/registry-config/effective.ts';
import { LarderError } from '../kit/errors.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { Store, UpstreamPolicy } from '../store/types.ts';
import type { Upstream } from '../upstream/types.ts';
import { createLastingClient, type LastingClient } from './replaceable-client.ts';
import { createUpstreamTable, type UpstreamTable } from './upstreams.ts';

export interface ActiveConfigDeps {
  readonly store: Pick<Store, 'setPolicies'>;
  readonly tasks: TaskGroup;
  /** Makes the client of one upstream; it opens no connection yet. */
  readonly connect: (cache: CacheConfig) => Upstream;
  readonly defaultUpstream: string | undefined;
}

/** The configuration in force. Requests that run keep the table they began with. */
export interface ActiveConfig {
  readonly table: UpstreamTable;
  readonly config: RegistryConfig;
  /**
   * Replaces it, without dropping a request: clients of unchanged upstreams go on with their tokens and connections, those of
   * changed ones end what they have begun.
   */
  apply(config: RegistryConfig): void;
  /** Closes every client. */
  close(): Promise<void>;
}

/** Throws `CONFIG_INVALID` when `--default-upstream` names no configured upstream; `apply` does too, and changes nothing then. */
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
    // All of them first: nothing has changed yet when one of them throws.
    const made = new Map(changed.map((cache) => [cache.upstream, deps.connect(cache)]));
    connections = new Map(
      next.caches.map((cache) => [
        cache.upstream,
        {
          config: cache,
          lasting: lastingClient(before.get(cache.upstream)?.lasting, made.get(cache.upstream)),
        },
      ]),
    );
    for (const [name, { lasting }] of before) if (!connections.has(name)) close(lasting.client);
    deps.store.setPolicies(policiesOf(next));
    const all = [...connections].map(([name, { config, lasting }]) => ({
      name,
      config,
      client: lasting.client,
    }));
    return createUpstreamTable(all, wanted);
  }

  function lastingClient(before: LastingClient | undefined, made: Upstream | undefined): LastingClient {
    if (before === undefined) return createLastingClient(made as Upstream);
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
  /** What the client in use was made of. */
  readonly config: CacheConfig;
  readonly lasting: LastingClient;
}

/** What the store is told of each upstream. */
export function policiesOf(config: RegistryConfig): Map<string, UpstreamPolicy> {
  return new Map(
    config.caches.map(({ upstream, garbageCollection }) => [
      upstream,
      { ttlMs: garbageCollection.ttlMs, maxBytes: garbageCollection.maxSizeBytes },
    ]),
  );
}

/** What a client is made of; the rest of a cache's settings is read with each request. */
const CONNECTION_FIELDS = [
  'remoteURL',
  'proxy',
  'secretReferenceName',
  'credentials',
  'provider',
  'caBundleSecretReferenceName',
] as const satisfies (keyof CacheConfig)[];

function sameConnection(a: CacheConfig | undefined, b: CacheConfig): boolean {
  return (
    a !== undefined &&
    CONNECTION_FIELDS.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]))
  );
}
