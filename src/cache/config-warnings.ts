import type { CacheConfig, RegistryConfig } from '../api/registry-config/effective.ts';
import type { Logger } from '../kit/logger.ts';
import { literalScope } from '../upstream/http/address.ts';
import type { Address } from '../kit/listen.ts';

/** Warning for mode `Shared`, in the log and in the status. */
const SHARED_WARNING = 'everyone who reaches this cache reads what the configured credential may read';

/** Logs what the author of a configuration may not expect, once for each configuration that takes effect. */
export function warnOfConfig(config: RegistryConfig, logger: Logger): void {
  const fields = unservedSettings(config);
  if (fields.length > 0)
    logger.warn('this version ignores some settings', { event: 'config-unserved', fields });
  const upstreams = config.caches.filter(isShared).map(({ upstream }) => upstream);
  if (upstreams.length > 0) logger.warn(SHARED_WARNING, { event: 'config-shared', upstreams });
}

/** Warns if callers may send logins to a listener without TLS that other machines can reach. */
export function warnOfClearText(config: RegistryConfig, { host }: Address, logger: Logger): void {
  const isUnspecified = host === '0.0.0.0' || host === '::';
  if (literalScope(host) === 'loopback' && !isUnspecified) return;
  const upstreams = config.caches
    .filter(({ authentication }) => authentication.mode === 'Caller')
    .map(({ upstream }) => upstream);
  if (upstreams.length > 0)
    logger.warn(
      'logins of callers cross the network in clear: set --tls-cert and --tls-key, or listen on loopback',
      {
        event: 'listener-clear',
        upstreams,
      },
    );
}

/** Warnings about the settings of one cache, for its status. */
export function warningsOf(cache: CacheConfig): string[] {
  return isShared(cache) ? [SHARED_WARNING] : [];
}

/**
 * Field paths of valid settings that this version of the server ignores. Settings of the Service in a cluster (`volume`,
 * `http`, `highAvailability`, `serviceNameSuffix`) are not listed: they are not the server's.
 */
function unservedSettings(config: RegistryConfig): string[] {
  return config.caches.flatMap(({ preload }, index) =>
    preload.length > 0 ? [`caches[${index}].preload`] : [],
  );
}

/** True if the cache shares a configured credential. Mode `Shared` without one shares only public content. */
function isShared(cache: CacheConfig): boolean {
  return (
    cache.authentication.mode === 'Shared' &&
    (cache.secretReferenceName !== undefined || cache.provider !== undefined || cache.credentials.length > 0)
  );
}
