/** Where requests of cache tests go: one upstream with the settings that a test names. */
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import type { CacheConfig, RegistryConfig } from '../../src/api/registry-config/effective.ts';
import type { Requester } from '../../src/cache/access/requester.ts';
import { createSharedVisitor } from '../../src/cache/access/shared-requester.ts';
import type { Destination, Target } from '../../src/cache/access/target.ts';
import { createUpstreamTable } from '../../src/cache/upstreams.ts';
import type { Upstream } from '../../src/upstream/types.ts';
import { fakeUpstream } from './fake-upstream.ts';

/** The effective configuration of `caches`, each as it would stand in a document. */
export function configOf(...caches: Record<string, unknown>[]): RegistryConfig {
  const document = {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    caches: caches.map((cache) => ({ upstream: 'r.example', ...cache })),
  };
  const result = parseRegistryConfig(JSON.stringify(document));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

/** `team/app` at `r.example`, unless `cache` says another upstream; asked on behalf of everyone. */
export function targetOf(
  client: Upstream = fakeUpstream(() => ({})),
  cache: Record<string, unknown> = {},
  name = 'team/app',
  ns?: string,
): Target {
  const destination = destinationOf(client, cache, name, ns);
  return { ...destination, requester: createSharedVisitor(destination) };
}

/** As {@link targetOf}, on behalf of nobody yet. */
export function destinationOf(
  client: Upstream = fakeUpstream(() => ({})),
  cache: Record<string, unknown> = {},
  name = 'team/app',
  ns?: string,
): Destination {
  const config = configOf(cache).caches[0] as CacheConfig;
  return createUpstreamTable([{ name: config.upstream, config, client }], undefined).destination(name, ns);
}

/** A requester whose access is as `proven` says at each moment, and who asks as `client` answers. */
export function visitorOf(
  destination: Destination,
  key: string,
  proven: () => boolean = () => true,
): Requester {
  return { ...createSharedVisitor(destination), key, isApart: true, proven, mayBridge: () => false };
}
