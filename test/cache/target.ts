/** Targets for tests of the cache: one upstream with the settings that a test names. */
import { parseRegistryConfig } from '../../src/api/registry-config/parse.ts';
import type { CacheConfig, RegistryConfig } from '../../src/api/registry-config/effective.ts';
import type { Requester } from '../../src/cache/access/requester.ts';
import { createSharedRequester } from '../../src/cache/access/shared-requester.ts';
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
  return { ...destination, requester: createSharedRequester(destination) };
}

/** As {@link targetOf}, without a requester. */
export function destinationOf(
  client: Upstream = fakeUpstream(() => ({})),
  cache: Record<string, unknown> = {},
  name = 'team/app',
  ns?: string,
): Destination {
  const config = configOf(cache).caches[0] as CacheConfig;
  return createUpstreamTable([{ name: config.upstream, config, client }], undefined).destination(name, ns);
}

/** A requester with a credential of its own, whose access is proven as `hasLiveProof` says at each moment. */
export function requesterOf(
  destination: Destination,
  key: string,
  hasLiveProof: () => boolean = () => true,
): Requester {
  return {
    ...createSharedRequester(destination),
    key,
    isApart: true,
    hasLiveProof,
    mayUseDuringOutage: () => false,
  };
}
