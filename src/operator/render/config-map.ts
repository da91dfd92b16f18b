import { printRegistryConfig } from '../../api/registry-config/print.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf } from './cache-names.ts';

/** The cache's configuration as a file that it re-reads: the one entry of its upstream, every default written out. */
export function configMap(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const config = { caches: [values.cache], registryConfigReplication: { enabled: false } };
  return cacheObject(values, configMapName(values), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    data: { [CONFIG_KEY]: printRegistryConfig(config) },
  });
}

/** Of the ConfigMap, and the name of the file. */
export const CONFIG_KEY = 'config.yaml';

export function configMapName(values: CacheValues): string {
  return `${cacheNamesOf(values).name}-config`;
}
