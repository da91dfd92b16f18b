import { readFile } from 'node:fs/promises';
import { DEFAULT_REGISTRY_CONFIG } from '../api/registry-config/default.ts';
import { problemsText } from '../kit/document/field-problem.ts';
import type { ParseOptions, ParseResult } from '../api/document/parse-document.ts';
import { parseRegistryConfig } from '../api/registry-config/parse.ts';
import type { RegistryConfig } from '../api/registry-config/effective.ts';
import { errorText, LarderError } from '../kit/errors.ts';

/** The configuration in `file`, or the built-in list of public registries without one; see {@link loadDocument}. */
export async function loadConfig(file: string | undefined): Promise<RegistryConfig> {
  return file === undefined ? DEFAULT_REGISTRY_CONFIG : loadDocument(file, parseRegistryConfig);
}

/**
 * What `parse` makes of the text in `file`. Throws `CONFIG_INVALID` whose message holds every problem of the document, a line
 * each, and whose `detail` is the list of them.
 */
export async function loadDocument<Config>(
  file: string,
  parse: (text: string, options: ParseOptions) => ParseResult<Config>,
): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `${file}: cannot be read: ${errorText(error)}`, { cause: error });
  }
  const result = parse(text, { source: file });
  if (!result.ok)
    throw new LarderError('CONFIG_INVALID', problemsText(result.problems), { detail: result.problems });
  return result.config;
}
