import { printRegistryConfig } from '../../api/registry-config/print.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf } from './cache-names.ts';

/** Renders the configuration file of the cache, which re-reads it: the entry of its upstream with every default written out. */
export function configMap(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const config = { caches: [values.cache], registryConfigReplication: { enabled: false } };
  return cacheObject(values, configMapName(values), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    data: { [CONFIG_KEY]: printRegistryConfig(config) },
  });
}

/** Key in the ConfigMap, and name of the mounted file. */
export const CONFIG_KEY = 'config.yaml';

export function configMapName(values: CacheValues): string {
  return `${cacheNamesOf(values).name}-config`;
}
