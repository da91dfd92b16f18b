import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { BUNDLE_KEYS, fileNameOf, LOGIN_KEYS, type SecretKey } from '../../api/secrets/secret-files.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, identityOf } from './identity.ts';

/** The names of the Secrets that a cache's configuration has, each once. */
export function secretNames(cache: CacheConfig): string[] {
  return [...new Set(keysOf(cache).map(({ name }) => name))];
}

/**
 * The one Secret that the cache's pod mounts: of each Secret that its configuration names, the keys that a cache reads, and no others, as
 * `<name>.<key>`. Its own name stays the same, so that a change reaches the running pod as changed files. The names in it are those of the
 * configuration: the two arrive one after the other, and what one has under another name than the other is missing then, and no login is taken for
 * another.
 */
export function secretObject(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const data: Record<string, string> = {};
  for (const { name, key } of keysOf(values.cache)) {
    const content = values.secrets.get(name)?.[key];
    if (content !== undefined) data[fileNameOf(name, key)] = content;
  }
  return cacheObject(values, secretObjectName(values), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    data,
  });
}

/** All that is in it, and nothing has to be: neither a missing Secret nor another name or number of them changes the pod, which would restart it. */
export function secretVolume(values: CacheValues) {
  return { secret: { secretName: secretObjectName(values), optional: true, defaultMode: 0o440 } };
}

function secretObjectName(values: CacheValues): string {
  return `${identityOf(values).name}-secrets`;
}

function keysOf(cache: CacheConfig): { readonly name: string; readonly key: SecretKey }[] {
  const logins = [cache, ...cache.credentials].map(({ secretReferenceName }) => secretReferenceName);
  return [
    ...logins.flatMap((name) => named(name, LOGIN_KEYS)),
    ...named(cache.caBundleSecretReferenceName, BUNDLE_KEYS),
  ];
}

function named(name: string | undefined, keys: readonly SecretKey[]) {
  return name === undefined ? [] : keys.map((key) => ({ name, key }));
}
