import type { MirrorConfig } from './mirror-config/effective.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from './mirror-config/schema.ts';
import { parseMirrorConfig } from './mirror-config/parse.ts';
import type { ParseOptions, ParseResult } from './document/parse-document.ts';
import type { RegistryConfig } from './registry-config/effective.ts';
import { parseRegistryConfig } from './registry-config/parse.ts';
import { yamlDocuments } from '../kit/document/yaml-documents.ts';
import { readYamlText } from '../kit/document/yaml-text.ts';

/**
 * Reads a text of one or several documents of either kind. Each may be an object of a cluster, whose `spec` is the document. Gives one result for
 * each document.
 */
export function parseConfigs(
  text: string,
  options: ParseOptions = {},
): readonly ParseResult<RegistryConfig | MirrorConfig>[] {
  return yamlDocuments(text).map((document) => {
    const { value, problems } = readYamlText(document);
    const { apiVersion, kind, metadata, spec } = (value ?? {}) as Readonly<Record<string, unknown>>;
    const isObject = problems.length === 0 && isMap(metadata) && isMap(spec);
    if (!isObject) return parseConfig(document, options);
    const inside = { ...options, pathPrefix: 'spec' };
    return kind === MIRROR_KIND
      ? parseMirrorConfig({ apiVersion, kind, ...spec }, inside)
      : parseRegistryConfig({ apiVersion, kind, ...spec }, inside);
  });
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a text of either kind. The text is a `MirrorConfig` if its `kind` says so, or its `apiVersion` where `kind` is missing,
 * and a `RegistryConfig` otherwise.
 */
export function parseConfig(
  text: string,
  options: ParseOptions = {},
): ParseResult<RegistryConfig | MirrorConfig> {
  return isMirrorConfig(readYamlText(text).value)
    ? parseMirrorConfig(text, options)
    : parseRegistryConfig(text, options);
}

function isMirrorConfig(document: unknown): boolean {
  if (typeof document !== 'object' || document === null) return false;
  const { kind, apiVersion } = document as { kind?: unknown; apiVersion?: unknown };
  return kind === MIRROR_KIND || ((kind ?? '') === '' && apiVersion === MIRROR_API_VERSION);
}
