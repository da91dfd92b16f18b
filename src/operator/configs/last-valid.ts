import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import { ownerOf, upstreamOf } from '../ownership/existing-objects.ts';
import { CONFIG_KEY } from '../render/config-map.ts';
import type { Watched } from '../cluster/watched.ts';
import type { ConfigId } from '../cluster/config-id.ts';

/**
 * Lists the existing caches of an object with their last valid configuration, read from their ConfigMaps. Leaves out a ConfigMap that cannot
 * be parsed: it was edited by hand, or written by a version of Larder with other rules.
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
      .flatMap((configMap) => (ownerOf(configMap) === id ? (read(configMap) ?? []) : []));
}

function parse(configMap: ConfigMap): CacheConfig | undefined {
  const parsed = parseRegistryConfig(configMap.data?.[CONFIG_KEY] ?? '');
  const caches = parsed.ok ? parsed.config.caches : [];
  return caches.find(({ upstream }) => upstream === upstreamOf(configMap));
}
