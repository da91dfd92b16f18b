import type { MirrorConfig } from './mirror-config/effective.ts';
import { MIRROR_API_VERSION, MIRROR_KIND } from './mirror-config/schema.ts';
import { parseMirrorConfig } from './mirror-config/parse.ts';
import type { ParseOptions, ParseResult } from './document/parse-document.ts';
import type { RegistryConfig } from './registry-config/effective.ts';
import { parseRegistryConfig } from './registry-config/parse.ts';
import { readYamlText } from '../kit/document/yaml-text.ts';

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
