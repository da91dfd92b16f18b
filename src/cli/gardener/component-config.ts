import { readFileSync } from 'node:fs';
import { goQuote } from '../../kit/document/go-quote.ts';
import { problemsText } from '../../kit/document/field-problem.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';
import { serverText } from '../../gardener/server-text.ts';
import { flagError } from '../go-flags/go-flag.ts';

const GROUP = 'config.registry.extensions.gardener.cloud';
const KIND = 'Configuration';

/**
 * Checks the file of `--config`. It has no settings: a landscape gives it because the Go extension demands it. Accepts what the Go extension
 * v0.24.0 accepts: also an empty document, one without version or kind, and unknown fields. Throws `USAGE` with Go's text for a file that
 * cannot be read, and for another version or kind.
 */
export function checkComponentConfig(file: string): void {
  if (file === '') throw flagError('config location is not set');
  const { value, problems } = readYamlText(textOf(file));
  if (value === undefined && problems.length > 0) throw flagError(`yaml: ${problemsText(problems)}`);
  const { apiVersion, kind } = typeOf(value ?? {});
  if (apiVersion.split('/').length > 2) throw flagError(`unexpected GroupVersion string: ${apiVersion}`);
  const isKnown = ['', `${GROUP}/v1alpha1`, `${GROUP}/__internal`].includes(apiVersion);
  if (isKnown && kind === KIND) return;
  const version =
    apiVersion === '' ? `the internal version of group ${goQuote(GROUP)}` : `version ${goQuote(apiVersion)}`;
  throw flagError(
    `no kind ${goQuote(kind)} is registered for ${version} here: apiVersion must be "${GROUP}/v1alpha1", kind "${KIND}"`,
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const isDirectory = (error as NodeJS.ErrnoException).code === 'EISDIR';
    throw flagError(isDirectory ? `read ${file}: is a directory` : serverText(error));
  }
}

function typeOf(document: unknown): { readonly apiVersion: string; readonly kind: string } {
  const unreadable = (what: string) =>
    flagError(
      `couldn't get version/kind; json parse error: ${what}, expected a map with apiVersion and kind`,
    );
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw unreadable(`found ${Array.isArray(document) ? 'a list' : `a ${typeof document}`}`);
  const { apiVersion, kind } = document as { apiVersion?: unknown; kind?: unknown };
  for (const [name, value] of Object.entries({ apiVersion, kind }))
    if (value !== undefined && value !== null && typeof value !== 'string')
      throw unreadable(`${name} is no string`);
  return { apiVersion: (apiVersion as string | null) ?? '', kind: (kind as string | null) || KIND };
}
