import { readFile } from 'node:fs/promises';
import { DEFAULT_REGISTRY_CONFIG } from '../api/registry-config/default.ts';
import { problemsText, type Problem } from '../kit/document/field-problem.ts';
import type { ParseOptions, ParseResult } from '../api/document/parse-document.ts';
import { parseRegistryConfig } from '../api/registry-config/parse.ts';
import type { RegistryConfig } from '../api/registry-config/effective.ts';
import { errorText, LarderError } from '../kit/errors.ts';

/** Loads the configuration in `file`, or the built-in list of public registries without one; see {@link loadDocument}. */
export async function loadConfig(file: string | undefined): Promise<RegistryConfig> {
  return file === undefined ? DEFAULT_REGISTRY_CONFIG : loadDocument(file, parseRegistryConfig);
}

/**
 * Reads `file` and parses it with `parse`. Throws `CONFIG_INVALID`: its message has every problem of the document, one per
 * line, and its `detail` is the list of problems.
 */
export async function loadDocument<Config>(
  file: string,
  parse: (text: string, options: ParseOptions) => ParseResult<Config>,
): Promise<Config> {
  const result = parse(await readConfigFile(file), { source: file });
  if (!result.ok) throw invalidConfig(result.problems);
  return result.config;
}

/** Reads the text of a configuration file. Throws `CONFIG_INVALID`. */
export async function readConfigFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `${file}: cannot be read: ${errorText(error)}`, { cause: error });
  }
}

/** The error for a document with problems. */
export function invalidConfig(problems: readonly Problem[]): LarderError {
  return new LarderError('CONFIG_INVALID', problemsText(problems), { detail: problems });
}
