import { stringify } from 'yaml';
import { toDocument } from '../document/effective.ts';
import type { RegistryConfig } from './effective.ts';
import { API_VERSION, KIND, registryConfigContent, type CacheDocument } from './schema.ts';

/**
 * Prints the effective configuration as a `RegistryConfig` document in YAML, with every default written out. Reading the
 * document gives the same configuration. It contains no secret: secrets are in Secrets, and URLs with user information are
 * refused.
 */
export function printRegistryConfig(config: RegistryConfig): string {
  const { caches, ...rest } = toDocument(registryConfigContent, config);
  const document = {
    apiVersion: API_VERSION,
    kind: KIND,
    caches: (caches as object[]).map(ordered),
    ...rest,
  };
  return stringify(document, { lineWidth: 0 });
}

/** The fields that stand first, in the order in which people write them. The others follow in the order of the schema. */
const FIRST: readonly (keyof CacheDocument)[] = [
  'upstream',
  'remoteURL',
  'secretReferenceName',
  'provider',
  'credentials',
  'authentication',
  'freshness',
  'garbageCollection',
  'preload',
  'caBundleSecretReferenceName',
  'proxy',
];

function ordered(cache: object): object {
  // The values come from `cache`, which repeats the keys: a key keeps the place where it stood first.
  return { ...Object.fromEntries(FIRST.map((name) => [name, undefined])), ...cache };
}
