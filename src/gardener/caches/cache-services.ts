import { isIP } from 'node:net';
import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Service } from '../../operator/cluster/resources.ts';
import { remoteUrlOf, schemeOf, SERVICE_ANNOTATION } from './services-component.ts';
import { SHOOT_NAMESPACE, shootNamesOf } from './shoot-names.ts';

/** Selects the Services of caches in a shoot, and perhaps some of other owners. */
export const SERVICES_QUERY = { namespace: SHOOT_NAMESPACE, labelSelector: 'upstream-host' } as const;

/** The Service of a cache as the shoot has it. */
export interface CacheService {
  readonly name: string;
  readonly upstream: string;
  readonly remoteURL: string;
  readonly scheme: 'http' | 'https';
  readonly clusterIP: string;
}

/**
 * Finds the Services of all caches among those of the shoot, and gives them in the order of their names. A Service of another owner is left
 * alone, and so is one of a cache that is no more. Throws `CONFIG_INVALID` in the words of the Go extension if one is missing, has no address
 * yet, or still belongs to another upstream.
 */
export function cacheServices(
  listed: readonly Service[],
  caches: readonly CacheDocument[],
): readonly CacheService[] {
  const byName = new Map(listed.map((service) => [service.metadata.name, service]));
  const found = caches.map((cache) => {
    const { serviceName: name } = shootNamesOf(cache);
    const { metadata, spec } = byName.get(name) ?? {};
    const isOurs = metadata?.annotations?.[SERVICE_ANNOTATION.upstream] === cache.upstream;
    const clusterIP: unknown = spec?.clusterIP;
    if (!isOurs || typeof clusterIP !== 'string' || !isIP(clusterIP)) {
      throw new LarderError('CONFIG_INVALID', 'not all services for all configured caches exist');
    }
    const { upstream } = cache;
    return { name, upstream, remoteURL: remoteUrlOf(cache), scheme: schemeOf(cache), clusterIP };
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
