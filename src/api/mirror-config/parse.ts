import { effectiveMirrorConfig, type MirrorConfig } from './effective.ts';
import { mirrorConfigProblems } from './rules.ts';
import { MIRROR_API_VERSION, MIRROR_KIND, mirrorConfigSchema } from './schema.ts';
import { parseDocument, type ParseOptions, type ParseResult } from '../document/parse-document.ts';

/** Reads a `MirrorConfig` (`mirror.extensions.gardener.cloud/v1alpha1`), see {@link parseDocument}. The result is frozen. */
export function parseMirrorConfig(input: unknown, options: ParseOptions = {}): ParseResult<MirrorConfig> {
  return parseDocument(
    {
      apiVersion: MIRROR_API_VERSION,
      kind: MIRROR_KIND,
      schema: mirrorConfigSchema,
      rules: mirrorConfigProblems,
      effective: effectiveMirrorConfig,
    },
    input,
    options,
  );
}
