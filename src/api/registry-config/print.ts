import { stringify } from 'yaml';
import { durationFromMs, formatDuration } from '../../kit/duration.ts';
import { formatBytes } from '../../kit/quantity.ts';
import type { CacheConfig, RegistryConfig } from './effective.ts';
import { API_VERSION, KIND } from './schema.ts';

/**
 * The effective configuration as a `RegistryConfig` document in YAML, every default written out. Reading it gives the same
 * configuration. It can hold no secret: those are in Secrets, and URLs with user information are refused.
 */
export function printRegistryConfig(config: RegistryConfig): string {
  const document = {
    apiVersion: API_VERSION,
    kind: KIND,
    caches: config.caches.map(printedCache),
    registryConfigReplication: config.registryConfigReplication,
  };
  return stringify(document, { lineWidth: 0 });
}

/** The fields in the order in which people write them; what is undefined is left out of the text. */
function printedCache(cache: CacheConfig) {
  const { authentication, freshness, garbageCollection } = cache;
  return {
    upstream: cache.upstream,
    remoteURL: cache.remoteURL,
    secretReferenceName: cache.secretReferenceName,
    provider: cache.provider,
    credentials: cache.credentials,
    authentication: {
      mode: authentication.mode,
      realm: authentication.realm,
      proofLifetime: printedDuration(authentication.proofLifetimeMs),
      outageGrace: printedDuration(authentication.outageGraceMs),
    },
    freshness: {
      tagTTL: printedDuration(freshness.tagTtlMs),
      staleIfError: printedDuration(freshness.staleIfErrorMs),
    },
    garbageCollection: {
      ttl: printedDuration(garbageCollection.ttlMs),
      maxSize: garbageCollection.maxSizeBytes && formatBytes(garbageCollection.maxSizeBytes),
    },
    preload: cache.preload,
    caBundleSecretReferenceName: cache.caBundleSecretReferenceName,
    proxy: cache.proxy,
    volume: cache.volume,
    http: cache.http,
    highAvailability: cache.highAvailability,
    serviceNameSuffix: cache.serviceNameSuffix,
  };
}

function printedDuration(ms: number): string {
  return formatDuration(durationFromMs(ms));
}
