import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { MOST_CREDENTIALS } from '../../api/registry-config-schema.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, identityOf } from './identity.ts';

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
  const named = (name: string | undefined, { alias }: Role): string | undefined => name && alias;
  return {
    ...cache,
    secretReferenceName: named(cache.secretReferenceName, LOGIN),
    credentials: cache.credentials.map((one, index) => ({
      ...one,
      secretReferenceName: named(one.secretReferenceName, credential(index)),
    })),
    caBundleSecretReferenceName: named(cache.caBundleSecretReferenceName, CA_BUNDLE),
  };
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
  return cacheObject(values, secretObjectName(values), {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    data,
  });
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
  return { secret: { secretName: secretObjectName(values), items, optional: true, defaultMode: 0o440 } };
}

function rolesOf(cache: CacheConfig): { readonly name: string; readonly role: Role }[] {
  const all = [
    { name: cache.secretReferenceName, role: LOGIN },
    ...cache.credentials.map(({ secretReferenceName: name }, index) => ({ name, role: credential(index) })),
    { name: cache.caBundleSecretReferenceName, role: CA_BUNDLE },
  ];
  return all.flatMap(({ name, role }) => (name === undefined ? [] : [{ name, role }]));
}

function secretObjectName(values: CacheValues): string {
  return `${identityOf(values).name}-secrets`;
}

function entry({ alias }: Role, key: string): string {
  return `${alias}.${key}`;
}
