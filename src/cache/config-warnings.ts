import type { CacheConfig, RegistryConfig } from '../api/registry-config/effective.ts';
import type { Logger } from '../kit/logger.ts';
import { literalScope } from '../upstream/http/address.ts';
import type { Address } from '../kit/listen.ts';

/** What everyone should know who sets up mode `Shared`, or looks at its state. */
export const SHARED_WARNING = 'everyone who reaches this cache reads what the configured credential may read';

/** Says once for each configuration in force what its author might not expect. */
export function warnOfConfig(config: RegistryConfig, logger: Logger): void {
  const fields = unservedSettings(config);
  if (fields.length > 0)
    logger.warn('settings without effect in this version', { event: 'config-unserved', fields });
  const upstreams = config.caches.filter(isShared).map(({ upstream }) => upstream);
  if (upstreams.length > 0) logger.warn(SHARED_WARNING, { event: 'config-shared', upstreams });
}

/** Says so when callers may send logins to a listener that others than this machine reach, and that has no TLS. */
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

/** What a person should notice of one cache's settings: for its status. */
export function warningsOf(cache: CacheConfig): string[] {
  return isShared(cache) ? [SHARED_WARNING] : [];
}

/**
 * The field paths of settings that the document may hold and this version of the server does not act on, so that nobody
 * believes in them. Settings of the Service in a cluster (`volume`, `http`, `highAvailability`, `serviceNameSuffix`) are none: they
 * are not the server's.
 */
export function unservedSettings(config: RegistryConfig): string[] {
  return config.caches.flatMap(({ preload }, index) =>
    preload.length > 0 ? [`caches[${index}].preload`] : [],
  );
}

/** Mode `Shared` without a credential shares nothing that is not everybody's anyway. */
function isShared(cache: CacheConfig): boolean {
  return (
    cache.authentication.mode === 'Shared' &&
    (cache.secretReferenceName !== undefined || cache.provider !== undefined || cache.credentials.length > 0)
  );
}
