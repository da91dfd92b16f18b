import type { DistributionDocument } from '../../api/distribution-config/schema.ts';
import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { formatDuration, parseDuration } from '../../kit/duration.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import { remoteUrlOf } from './services-component.ts';

/** Places in the pod of a cache, those of Distribution's own image. */
export const POD_PATHS = {
  store: '/var/lib/registry',
  config: '/etc/distribution',
  certificates: '/etc/distribution/certs',
} as const;

/** A login for everyone who pulls through a cache. */
export interface CacheLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * Builds the configuration of Distribution for a cache of a shoot. It leaves out Distribution's cache of descriptors, which answers for content
 * that is no longer stored.
 */
export function distributionDocumentOf(
  cache: CacheDocument,
  login: CacheLogin | undefined,
): DistributionDocument {
  const { certificates } = POD_PATHS;
  return {
    version: '0.1',
    log: { fields: { service: 'registry' } },
    storage: {
      delete: { enabled: true },
      filesystem: { rootdirectory: POD_PATHS.store },
      tag: { concurrencylimit: 5 },
    },
    http: {
      addr: { host: '::', port: PORTS.registry },
      debug: {
        addr: { host: '::', port: PORTS.admin },
        prometheus: { enabled: true, path: '/metrics' },
      },
      draintimeout: parseDuration('25s'),
      tls: cache.http.tls
        ? { certificate: `${certificates}/tls.crt`, key: `${certificates}/tls.key` }
        : { certificate: undefined, key: undefined },
      headers: { 'X-Content-Type-Options': ['nosniff'] },
    },
    health: { storagedriver: { enabled: true, interval: parseDuration('10s'), threshold: 3 } },
    proxy: {
      remoteurl: remoteUrlOf(cache),
      ttl: formatDuration(cache.garbageCollection.ttl),
      ...login,
    },
  };
}
