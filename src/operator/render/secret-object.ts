import {
  BUNDLE_KEYS,
  fileNameOf,
  LOGIN_KEYS,
  TRUSTED_CA,
  type SecretKey,
} from '../../api/secrets/secret-files.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf } from './cache-names.ts';

/** The fields of a cache that name Secrets. */
export interface SecretReferences extends SecretReference {
  readonly credentials: readonly SecretReference[];
  readonly caBundleSecretReferenceName?: string | undefined;
}

interface SecretReference {
  readonly secretReferenceName?: string | undefined;
}

/** Names of all Secrets in the configuration of a cache, without duplicates. */
export function secretNames(cache: SecretReferences): string[] {
  return [...new Set(secretKeysOf(cache).map(({ name }) => name))];
}

/**
 * Renders the one Secret that the pod mounts. It has only the keys that a cache reads, as `<name>.<key>`. Its own name never changes, so
 * that a change reaches the running pod as changed files. Keys carry the Secret names of the configuration. ConfigMap and Secret reach the
 * pod separately; until both have arrived a renamed login is missing, never mistaken for another.
 */
export function secretObject(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const data: Record<string, string> = {};
  for (const { name, key } of secretKeysOf(values.cache)) {
    const content = values.secrets.get(name)?.[key];
    if (content !== undefined) data[fileNameOf(name, key)] = content;
  }
  if (values.trustedCa !== undefined) data[TRUSTED_CA_FILE] = values.trustedCa;
  return cacheObject(values, secretObjectName(values.cache), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    data,
  });
}

/**
 * Mounts all keys of the Secret, and requires none. A missing, renamed or additional Secret must not change the pod template, which would
 * restart the pod.
 */
export function secretVolume(values: CacheValues) {
  return { secret: { secretName: secretObjectName(values.cache), optional: true, defaultMode: 0o440 } };
}

/** Entry of the Secret with {@link CacheValues.trustedCa}. */
export const TRUSTED_CA_FILE = fileNameOf(TRUSTED_CA, 'bundle.crt');

export function secretObjectName(cache: CacheValues['cache']): string {
  return `${cacheNamesOf({ cache }).name}-secrets`;
}

/** The entries of Secrets that a cache reads, login first. */
export function secretKeysOf(
  cache: SecretReferences,
): readonly { readonly name: string; readonly key: SecretKey }[] {
  const logins = [cache, ...cache.credentials].map(({ secretReferenceName }) => secretReferenceName);
  return [
    ...logins.flatMap((name) => named(name, LOGIN_KEYS)),
    ...named(cache.caBundleSecretReferenceName, BUNDLE_KEYS),
  ];
}

function named(name: string | undefined, keys: readonly SecretKey[]) {
  return name === undefined ? [] : keys.map((key) => ({ name, key }));
}
