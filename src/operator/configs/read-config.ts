import { parseMirrorConfig } from '../../api/mirror-config/parse.ts';
import type { UpstreamMirrors } from '../../api/mirror-config/effective.ts';
import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { ParseResult } from '../../api/document/parse-document.ts';
import type { MirrorConfigObject, RegistryConfigObject } from '../cluster/resources.ts';

/** A RegistryConfig or a MirrorConfig. */
export type ConfigObject = RegistryConfigObject | MirrorConfigObject;

/** The caches or mirrors that an object asks for, or the problems of its spec, one line each with the field path. */
export type ParsedSpec =
  | { readonly kind: 'caches'; readonly caches: readonly CacheConfig[] }
  | { readonly kind: 'mirrors'; readonly mirrors: readonly UpstreamMirrors[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Parses the spec of an object. Checks also the rules that CEL in the API server cannot express (decision 0010). Never throws. */
export function readConfig(object: ConfigObject): ParsedSpec {
  const { apiVersion, kind, spec } = object;
  const document = { apiVersion, kind, ...(spec as object | undefined) };
  const options = { pathPrefix: 'spec' };
  if (kind === 'MirrorConfig') {
    return result(parseMirrorConfig(document, options), ({ mirrors }) => ({ kind: 'mirrors', mirrors }));
  }
  return result(parseRegistryConfig(document, options), ({ caches }) => ({ kind: 'caches', caches }));
}

function result<Config>(parsed: ParseResult<Config>, toSpec: (config: Config) => ParsedSpec): ParsedSpec {
  if (parsed.ok) return toSpec(parsed.config);
  return { kind: 'invalid', problems: parsed.problems.map(({ text }) => text) };
}
