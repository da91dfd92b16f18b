import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { problemsAt, type Problem } from '../../kit/document/field-problem.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { addedNames } from '../document/added-fields.ts';
import type { ParseOptions, ParseResult } from '../document/parse-document.ts';
import { toDocument } from '../document/effective.ts';
import { effectiveConfig, type RegistryConfig } from '../registry-config/effective.ts';
import { parseRegistryConfig } from '../registry-config/parse.ts';
import {
  API_VERSION,
  KIND,
  registryConfigContent,
  registryConfigSchema,
  type CacheDocument,
} from '../registry-config/schema.ts';

/** Fields that neither Distribution's file nor the objects around a cache have words for. */
const ADDED_FIELDS = addedNames(registryConfigSchema.shape.caches);

/** A cache with every default. */
const [STANDARD] = registryConfigSchema.parse({ caches: [{}] }).caches as [CacheDocument];

/**
 * Writes the `RegistryConfig` with one cache that stands beside Distribution's file (decision 0018). Undefined if that file says it all, and
 * `isForced` is false. It has the fields of the cache that differ from their defaults; volume, proxies and Service are settings of its
 * Kubernetes objects. It has no secret.
 */
export function writeAddedConfig(cache: CacheDocument, isForced = false): string | undefined {
  const { garbageCollection, ...fields } = plain(cache);
  const { upstream, secretReferenceName } = cache;
  const standard = plain({ ...STANDARD, upstream, secretReferenceName });
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

/** The meaning of the file that stands beside Distribution's file. */
export interface AddedConfig {
  /** True: the cache gives its store back to Distribution, and stores nothing (decision 0021). */
  readonly handBack: boolean;
  /** Takes the place of the section `proxy`; undefined if the file has `handBack` alone. */
  readonly registryConfig: RegistryConfig | undefined;
}

/**
 * Reads the file beside Distribution's file: a `RegistryConfig`, or the field `handBack`, or both. Gives all problems at once. Never
 * throws.
 */
export function parseAddedConfig(text: string, options: ParseOptions = {}): ParseResult<AddedConfig> {
  const { value, problems } = readYamlText(text);
  if (!hasHandBack(value)) {
    const result = parseRegistryConfig(text, options);
    return result.ok ? withHandBack(false, result.config) : result;
  }
  const { handBack, ...rest } = value;
  const ofField =
    typeof handBack === 'boolean'
      ? []
      : [problemsAt('').invalidJson([HAND_BACK], JSON.stringify(handBack), 'must be true or false')];
  const isAlone = Object.keys(rest).length === 0;
  const result = isAlone ? undefined : parseRegistryConfig(rest, options);
  const found: Problem[] = [...problems, ...ofField, ...(result?.ok === false ? result.problems : [])];
  if (found.length > 0) return { ok: false, problems: found };
  return withHandBack(handBack === true, result?.ok === true ? result.config : undefined);
}

/**
 * Adds `handBack: true` to the text of {@link writeAddedConfig}. Without a text the file has that alone, and the section `proxy` goes on to
 * describe the cache.
 */
export function writeHandBack(added: string | undefined): string {
  return `${HAND_BACK}: true\n${added ?? ''}`;
}

const HAND_BACK = 'handBack';

function hasHandBack(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, HAND_BACK);
}

function withHandBack(handBack: boolean, registryConfig: RegistryConfig | undefined) {
  return { ok: true, config: { handBack, registryConfig } } as const;
}

/** The entry in the form of a document, with computed defaults. */
function plain(cache: CacheDocument): Record<string, unknown> {
  const config = effectiveConfig({ caches: [cache], registryConfigReplication: { enabled: false } });
  const { caches } = toDocument(registryConfigContent, config);
  return (caches as Record<string, unknown>[])[0] ?? {};
}
