import type { RegistryConfig } from '../api/registry-config-effective.ts';
import { LarderError } from '../kit/errors.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { Store, UpstreamPolicy } from '../store/types.ts';
import type { Upstream } from '../upstream/types.ts';
import type { CacheConfig } from '../api/registry-config-effective.ts';
import { createUpstreamTable, type CachedUpstream, type UpstreamTable } from './upstreams.ts';

export interface ActiveConfigDeps {
  readonly store: Store;
  readonly tasks: TaskGroup;
  /** Makes the client of one upstream; it opens no connection yet. */
  readonly connect: (cache: CacheConfig) => Upstream;
  readonly defaultUpstream: string | undefined;
}

/** The configuration in force. Requests that run keep the table they began with. */
export interface ActiveConfig {
  readonly table: UpstreamTable;
  readonly config: RegistryConfig;
  /** Replaces it, without dropping a request: clients of unchanged upstreams go on with their tokens and connections. */
  apply(config: RegistryConfig): void;
  /** Closes every client. */
  close(): Promise<void>;
}

/** Throws `CONFIG_INVALID` when `--default-upstream` names no configured upstream; `apply` does too, and changes nothing then. */
export function createActiveConfig(deps: ActiveConfigDeps, first: RegistryConfig): ActiveConfig {
  let config = first;
  let table = build(first, []);
  deps.store.setPolicies(policies(first));

  function build(next: RegistryConfig, old: readonly CachedUpstream[]): UpstreamTable {
    const wanted = deps.defaultUpstream;
    if (wanted !== undefined && !next.caches.some((cache) => cache.upstream === wanted)) {
      const configured = next.caches.map((cache) => cache.upstream).join(', ');
      throw new LarderError('CONFIG_INVALID', `--default-upstream ${wanted} is not configured; configured: ${configured}`);
    }
    const all = next.caches.map((cache) => {
      const same = old.find((other) => other.name === cache.upstream && sameConnection(other.config, cache));
      return { name: cache.upstream, config: cache, client: same?.client ?? deps.connect(cache) };
    });
    return createUpstreamTable(all, wanted);
  }

  return {
    get table() {
      return table;
    },
    get config() {
      return config;
    },
    apply(next) {
      const before = table.all;
      table = build(next, before);
      config = next;
      deps.store.setPolicies(policies(next));
      const kept = new Set(table.all.map((upstream) => upstream.client));
      for (const { client } of before) {
        if (!kept.has(client)) deps.tasks.run('close upstream', () => client.close());
      }
    },
    async close() {
      await Promise.all(table.all.map((upstream) => upstream.client.close()));
    },
  };
}

function policies(config: RegistryConfig): Map<string, UpstreamPolicy> {
  return new Map(
    config.caches.map(({ upstream, garbageCollection }) => [
      upstream,
      { ttlMs: garbageCollection.ttlMs, maxBytes: garbageCollection.maxSizeBytes },
    ]),
  );
}

/** What a client is made of; the rest of a cache's settings is read with each request. */
function sameConnection(a: CacheConfig, b: CacheConfig): boolean {
  const of = ({ remoteURL, proxy, secretReferenceName, credentials, provider, caBundleSecretReferenceName }: CacheConfig) =>
    JSON.stringify([remoteURL, proxy, secretReferenceName, credentials, provider, caBundleSecretReferenceName]);
  return of(a) === of(b);
}
