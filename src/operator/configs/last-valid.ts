import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import { askerOf } from '../ownership/existing-objects.ts';
import { CONFIG_KEY } from '../render/config-map.ts';
import { UPSTREAM } from '../cluster/marks.ts';
import type { Watched } from '../cluster/watched.ts';
import type { ConfigId } from '../cluster/config-id.ts';

/**
 * The caches that stand on behalf of an object, as it asked for them last: a cache's ConfigMap holds all of it. Left out is what cannot be read,
 * which somebody else has written, or a version with other rules.
 */
export function createLastValid(
  watched: Pick<Watched, 'configMaps'>,
): (id: ConfigId) => readonly CacheConfig[] {
  const known = new WeakMap<ConfigMap, CacheConfig | undefined>();

  function read(configMap: ConfigMap): CacheConfig | undefined {
    if (!known.has(configMap)) known.set(configMap, parse(configMap));
    return known.get(configMap);
  }

  return (id) =>
    watched.configMaps
      .list()
      .flatMap((configMap) => (askerOf(configMap) === id ? (read(configMap) ?? []) : []));
}

function parse({ data, metadata }: ConfigMap): CacheConfig | undefined {
  const parsed = parseRegistryConfig(data?.[CONFIG_KEY] ?? '');
  const caches = parsed.ok ? parsed.config.caches : [];
  return caches.find(({ upstream }) => upstream === metadata.annotations?.[UPSTREAM]);
}
