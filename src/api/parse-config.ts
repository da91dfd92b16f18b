import type { MirrorConfig } from './mirror-config/effective.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from './mirror-config/schema.ts';
import { parseMirrorConfig } from './mirror-config/parse.ts';
import type { ParseOptions, ParseResult } from './document/parse-document.ts';
import type { RegistryConfig } from './registry-config/effective.ts';
import { parseRegistryConfig } from './registry-config/parse.ts';
import { KIND } from './registry-config/schema.ts';
import {
  objectId,
  sharedUpstreamMessage,
  sharedUpstreams,
  type NamingObject,
  type SharedUpstream,
} from './rules/shared-upstreams.ts';
import type { Problem } from '../kit/document/field-problem.ts';
import { yamlDocuments } from '../kit/document/yaml-documents.ts';
import { readYamlText } from '../kit/document/yaml-text.ts';

/**
 * Reads a text of one or several documents of either kind. Each may be an object of a cluster, whose `spec` is the document. Gives one result for
 * each document. An upstream that an earlier object names as well is a problem of the later one.
 */
export function parseConfigs(
  text: string,
  options: ParseOptions = {},
): readonly ParseResult<RegistryConfig | MirrorConfig>[] {
  const objects: NamingObject[] = [];
  const results = yamlDocuments(text).map((document, index) => {
    const { value, problems } = readYamlText(document);
    const { apiVersion, kind, metadata, spec } = (value ?? {}) as Readonly<Record<string, unknown>>;
    const isObject = problems.length === 0 && isMap(metadata) && isMap(spec);
    if (!isObject) return { result: parseEither(value, document, options) };
    const inside = { apiVersion, kind, ...spec };
    const result = parseEither(inside, inside, { ...options, pathPrefix: 'spec' });
    if (!result.ok) return { result };
    const id = objectId(isMirrorConfig(inside) ? MIRROR_KIND : KIND, metadata);
    const object = { id, place: `document ${index + 1}`, upstreams: upstreamsOf(result.config) };
    objects.push(object);
    return { result, object };
  });
  const shared = sharedUpstreams(objects);
  return results.map(({ result, object }) => {
    const problems = shared.filter((one) => one.object === object).map(sharedProblem);
    return problems.length > 0 ? { ok: false, problems } : result;
  });
}

/** The upstreams of a configuration of either kind, in its order. */
export function upstreamsOf(config: RegistryConfig | MirrorConfig): readonly string[] {
  const entries: readonly { readonly upstream: string }[] =
    'caches' in config ? config.caches : config.mirrors;
  return entries.map(({ upstream }) => upstream);
}

function sharedProblem(shared: SharedUpstream): Problem {
  const list = shared.object.id.startsWith(MIRROR_KIND) ? 'mirrors' : 'caches';
  const path = `spec.${list}[${shared.index}].upstream`;
  const message = sharedUpstreamMessage(shared);
  return { path, kind: 'Duplicate', message, text: `${path}: ${message}` };
}

/**
 * Reads a text of either kind. The text is a `MirrorConfig` if its `kind` says so, or its `apiVersion` where `kind` is missing,
 * and a `RegistryConfig` otherwise.
 */
export function parseConfig(
  text: string,
  options: ParseOptions = {},
): ParseResult<RegistryConfig | MirrorConfig> {
  return parseEither(readYamlText(text).value, text, options);
}

/** Parses `document`, whose kind is that of `value`. */
function parseEither(
  value: unknown,
  document: string | object,
  options: ParseOptions,
): ParseResult<RegistryConfig | MirrorConfig> {
  return isMirrorConfig(value)
    ? parseMirrorConfig(document, options)
    : parseRegistryConfig(document, options);
}

function isMirrorConfig(document: unknown): boolean {
  if (!isMap(document)) return false;
  const { kind, apiVersion } = document as { kind?: unknown; apiVersion?: unknown };
  return kind === MIRROR_KIND || ((kind ?? '') === '' && apiVersion === MIRROR_API_VERSION);
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
