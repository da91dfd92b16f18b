import { z } from 'zod';
import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { MOST_CREDENTIALS } from '../../api/registry-config-schema.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, identityOf, type NamedCache } from './identity.ts';

/** The keys that a cache reads of a Secret with a login, and of one with a CA bundle (`--secrets DIR` holds `DIR/<name>/<key>`). */
const LOGIN_KEYS = ['username', 'password', '.dockerconfigjson'] as const;
const BUNDLE_KEYS = ['bundle.crt'] as const;

/** What a Secret is to a cache: its directory is called after that, since another Secret may take its place. */
interface Role {
  readonly alias: string;
  readonly keys: readonly string[];
}

const LOGIN: Role = { alias: 'login', keys: LOGIN_KEYS };
const CA_BUNDLE: Role = { alias: 'ca-bundle', keys: BUNDLE_KEYS };
const credential = (index: number): Role => ({ alias: `credentials-${index}`, keys: LOGIN_KEYS });

/** The names of the Secrets that a cache's configuration has, each once. */
export function secretNames(cache: CacheConfig): string[] {
  return [...new Set(rolesOf(cache).map(({ name }) => name))];
}

/** The configuration for the cache itself, with the names under which it finds its Secrets below the mount. */
export function withAliases(cache: CacheConfig): CacheConfig {
  return renamed(cache, (_name, { alias }) => alias);
}

/** Of the Secret of a cache: by alias, the names of the Secrets that its entries are of, as JSON. */
const NAMES = 'larder/secret-names';

/** Undoes {@link withAliases} by what the Secret of the cache says; undefined where that does not say it. */
export function withNames(cache: CacheConfig, secret: KubeObject | undefined): CacheConfig | undefined {
  const names = readNames(secret);
  const isKnown = rolesOf(cache).every(({ role }) => names.has(role.alias));
  return isKnown ? renamed(cache, (_name, { alias }) => names.get(alias)) : undefined;
}

/**
 * The one Secret that the cache's pod mounts: of each Secret that its configuration names, the keys that a cache reads, and no others.
 * Its name stays the same, so that a change reaches the running pod as a changed file.
 */
export function secretObject(values: CacheValues): KubeObject & { data: Record<string, string> } {
  const data: Record<string, string> = {};
  for (const { name, role } of rolesOf(values.cache)) {
    for (const key of role.keys) {
      const content = values.secrets.get(name)?.[key];
      if (content !== undefined) data[entry(role, key)] = content;
    }
  }
  const object = cacheObject(values, secretObjectName(values.cache), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    data,
  });
  const names = rolesOf(values.cache).map(({ name, role }) => [role.alias, name]);
  const annotations = { ...object.metadata.annotations, [NAMES]: JSON.stringify(Object.fromEntries(names)) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/**
 * Where the entries go below the mount. All that any configuration may need are listed, and none has to be there: neither a missing Secret
 * nor another name or number of them changes the pod, which would restart it.
 */
export function secretVolume(values: CacheValues) {
  const roles = [
    LOGIN,
    CA_BUNDLE,
    ...Array.from({ length: MOST_CREDENTIALS }, (_, index) => credential(index)),
  ];
  const items = roles.flatMap((role) =>
    role.keys.map((key) => ({ key: entry(role, key), path: `${role.alias}/${key}` })),
  );
  return {
    secret: { secretName: secretObjectName(values.cache), items, optional: true, defaultMode: 0o440 },
  };
}

function rolesOf(cache: CacheConfig): { readonly name: string; readonly role: Role }[] {
  const all = [
    { name: cache.secretReferenceName, role: LOGIN },
    ...cache.credentials.map(({ secretReferenceName: name }, index) => ({ name, role: credential(index) })),
    { name: cache.caBundleSecretReferenceName, role: CA_BUNDLE },
  ];
  return all.flatMap(({ name, role }) => (name === undefined ? [] : [{ name, role }]));
}

/** Of the one Secret that the pod of a cache mounts. */
export function secretObjectName(cache: NamedCache): string {
  return `${identityOf({ cache }).name}-secrets`;
}

function renamed(cache: CacheConfig, nameOf: (name: string, role: Role) => string | undefined): CacheConfig {
  const other = (name: string | undefined, role: Role) =>
    name === undefined ? undefined : nameOf(name, role);
  return {
    ...cache,
    secretReferenceName: other(cache.secretReferenceName, LOGIN),
    credentials: cache.credentials.map((one, index) => ({
      ...one,
      secretReferenceName: other(one.secretReferenceName, credential(index)),
    })),
    caBundleSecretReferenceName: other(cache.caBundleSecretReferenceName, CA_BUNDLE),
  };
}

function readNames(secret: KubeObject | undefined): ReadonlyMap<string, string> {
  try {
    const names: unknown = JSON.parse(secret?.metadata.annotations?.[NAMES] ?? '');
    return new Map(Object.entries(z.record(z.string(), z.string()).parse(names)));
  } catch {
    // Somebody has written something else there.
    return new Map();
  }
}

function entry({ alias }: Role, key: string): string {
  return `${alias}.${key}`;
}
