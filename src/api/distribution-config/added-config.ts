import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { toDocument } from '../document/effective.ts';
import { effectiveConfig } from '../registry-config/effective.ts';
import {
  API_VERSION,
  KIND,
  registryConfigContent,
  registryConfigSchema,
  type CacheDocument,
} from '../registry-config/schema.ts';

/** Fields that neither Distribution's file nor the objects around a cache have words for. */
const ADDED_FIELDS = [
  'authentication',
  'freshness',
  'credentials',
  'provider',
  'caBundleSecretReferenceName',
  'preload',
] as const satisfies readonly (keyof CacheDocument)[];

/**
 * Writes the `RegistryConfig` with one cache that stands beside Distribution's file (decision 0018). Undefined if that file says it all, and
 * `isForced` is false. It has the fields of the cache that differ from their defaults; volume, proxies and Service are settings of its
 * Kubernetes objects. It has no secret.
 */
export function writeAddedConfig(cache: CacheDocument, isForced = false): string | undefined {
  const { garbageCollection, ...fields } = plain(cache);
  const { upstream, secretReferenceName } = cache;
  const standard = plain({ ...standardCache(), upstream, secretReferenceName });
  const added = ADDED_FIELDS.filter((name) => !isDeepStrictEqual(fields[name], standard[name]));
  const hasLimit = cache.garbageCollection.maxSize !== undefined;
  if (added.length === 0 && !hasLimit && !isForced) return undefined;
  const written = {
    upstream,
    remoteURL: fields.remoteURL,
    secretReferenceName,
    garbageCollection,
    ...Object.fromEntries(added.map((name) => [name, fields[name]])),
  };
  return stringify({ apiVersion: API_VERSION, kind: KIND, caches: [written] }, { lineWidth: 0 });
}

/** The entry in the form of a document, with computed defaults. */
function plain(cache: CacheDocument): Record<string, unknown> {
  const config = effectiveConfig({ caches: [cache], registryConfigReplication: { enabled: false } });
  const { caches } = toDocument(registryConfigContent, config);
  return (caches as Record<string, unknown>[])[0] ?? {};
}

function standardCache(): CacheDocument {
  const [cache] = registryConfigSchema.parse({ caches: [{}] }).caches;
  return cache as CacheDocument;
}
