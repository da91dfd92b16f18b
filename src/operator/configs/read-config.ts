import { parseMirrorConfig } from '../../api/mirror-config/parse.ts';
import type { UpstreamMirrors } from '../../api/mirror-config/effective.ts';
import { parseRegistryConfig } from '../../api/registry-config/parse.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import type { ParseResult } from '../../api/document/parse-document.ts';
import type { MirrorConfigObject, RegistryConfigObject } from '../cluster/resources.ts';

/** An object of either kind. */
export type ConfigObject = RegistryConfigObject | MirrorConfigObject;

/** What an object asks for; or what is wrong with it, each a line with its field path. */
export type Asked =
  | { readonly kind: 'caches'; readonly caches: readonly CacheConfig[] }
  | { readonly kind: 'mirrors'; readonly mirrors: readonly UpstreamMirrors[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Reads the spec of an object. The API server has checked what CEL can say (decision 0010); the rest is found here. Never throws. */
export function readConfig(object: ConfigObject): Asked {
  const { apiVersion, kind, spec } = object;
  const document = { apiVersion, kind, ...(spec as object | undefined) };
  const options = { pathPrefix: 'spec' };
  if (kind === 'MirrorConfig') {
    return result(parseMirrorConfig(document, options), ({ mirrors }) => ({ kind: 'mirrors', mirrors }));
  }
  return result(parseRegistryConfig(document, options), ({ caches }) => ({ kind: 'caches', caches }));
}

function result<Config>(parsed: ParseResult<Config>, asked: (config: Config) => Asked): Asked {
  if (parsed.ok) return asked(parsed.config);
  return { kind: 'invalid', problems: parsed.problems.map(({ text }) => text) };
}
