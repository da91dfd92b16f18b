import { parseDocument, type ParseOptions, type ParseResult } from '../document/parse-document.ts';
import { effectiveConfig, type RegistryConfig } from './effective.ts';
import { registryConfigProblems } from './rules.ts';
import { API_VERSION, KIND, registryConfigSchema } from './schema.ts';

/** Reads a `RegistryConfig` (`registry.extensions.gardener.cloud/v1alpha3`), see {@link parseDocument}. The result is frozen. */
export function parseRegistryConfig(input: unknown, options: ParseOptions = {}): ParseResult<RegistryConfig> {
  return parseDocument(
    {
      apiVersion: API_VERSION,
      kind: KIND,
      schema: registryConfigSchema,
      rules: registryConfigProblems,
      effective: effectiveConfig,
    },
    input,
    options,
  );
}
