import type { CacheConfig } from '../../api/registry-config-effective.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, identityOf } from './identity.ts';

/** The keys that a cache reads of a Secret (`--secrets DIR` holds `DIR/<name>/<key>`). */
const KEYS = ['username', 'password', '.dockerconfigjson', 'bundle.crt'] as const;

/** The names that a cache has for Secrets, each once. */
export function secretNames(cache: CacheConfig): string[] {
  const names = [
    cache.secretReferenceName,
    ...cache.credentials.map(({ secretReferenceName }) => secretReferenceName),
    cache.caBundleSecretReferenceName,
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/**
 * The one Secret that the cache's pod mounts: of each Secret that its configuration names, the keys that a cache reads, and no others.
 * Its name stays the same, so that a change reaches the running pod as a changed file.
 */
export function secretObject(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const data: Record<string, string> = {};
  for (const name of secretNames(values.cache)) {
    for (const key of KEYS) {
      const content = values.secrets.get(name)?.[key];
      if (content !== undefined) data[entry(name, key)] = content;
    }
  }
  return cacheObject(values, secretObjectName(values), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    data,
  });
}

/** Where the entries go below the mount. All that may come are listed, and none has to be there: a missing Secret stops no pod. */
export function secretVolume(values: CacheValues) {
  const items = secretNames(values.cache).flatMap((name) =>
    KEYS.map((key) => ({ key: entry(name, key), path: `${name}/${key}` })),
  );
  return { secret: { secretName: secretObjectName(values), items, optional: true, defaultMode: 0o440 } };
}

function secretObjectName(values: CacheValues): string {
  return `${identityOf(values).name}-secrets`;
}

function entry(name: string, key: string): string {
  return `${name}.${key}`;
}
