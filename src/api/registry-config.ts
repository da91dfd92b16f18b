import { decode } from './decode.ts';
import { problemsAt, type Problem, type Problems } from './field-problem.ts';
import { effectiveConfig, type RegistryConfig } from './registry-config-effective.ts';
import { registryConfigProblems } from './registry-config-rules.ts';
import { API_VERSION, KIND, registryConfigSchema } from './registry-config-schema.ts';
import { readYamlText } from './yaml-text.ts';

export interface ParseOptions {
  /** Where the document stands in a larger object, such as `spec.extensions[0].providerConfig`: put before every path. */
  pathPrefix?: string;
  /** What to call the document where there is no path: a file name. */
  source?: string;
}

export type ParseResult =
  | { readonly ok: true; readonly config: RegistryConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a `RegistryConfig` (`registry.extensions.gardener.cloud/v1alpha3`): a text of YAML or JSON, or a value that was decoded
 * already. Gives the frozen effective configuration, or all problems at once: first those of reading, in the order of the
 * document, then those of the rules. Never throws.
 */
export function parseRegistryConfig(input: unknown, options: ParseOptions = {}): ParseResult {
  const prefix = options.pathPrefix ?? '';
  const text = typeof input === 'string' ? readYamlText(input, prefix) : { value: input, problems: [] };
  const unreadable = text.problems.some((problem) => problem.kind === 'Syntax');
  const result = unreadable ? { problems: [] } : parseDocument(text.value, prefix);
  const problems = [...text.problems, ...result.problems];
  if (problems.length === 0 && result.config !== undefined) return { ok: true, config: result.config };
  return { ok: false, problems: problems.map((problem) => withSource(problem, options.source)) };
}

interface Parsed {
  readonly config?: RegistryConfig;
  readonly problems: readonly Problem[];
}

function parseDocument(document: unknown, prefix: string): Parsed {
  const problems = problemsAt(prefix);
  if (!isMap(document)) {
    const found = Array.isArray(document) ? 'a list' : isUnset(document) ? 'nothing' : `a ${typeof document}`;
    return { problems: [problems.undecodable([], `expected a ${KIND} document, found ${found}`)] };
  }
  const mismatches = [...typeProblems(document, problems)];
  // The fields of another kind are no mistakes: to list them all would only hide the one that is.
  if (mismatches.some(({ path }) => path === problems.at(['kind']))) return { problems: mismatches };

  const decoded = decode(registryConfigSchema, document, prefix);
  const { value, isBroken } = decoded;
  if (value === undefined) return { problems: [...mismatches, ...decoded.problems] };
  const found = [...mismatches, ...decoded.problems, ...registryConfigProblems(value, prefix, isBroken)];
  return found.length > 0 ? { problems: found } : { config: effectiveConfig(value), problems: [] };
}

/**
 * The document must be of our kind and version. As for the Gardener extension, the kind may be left out, and an empty document
 * only lacks its caches.
 */
function* typeProblems(document: Record<string, unknown>, problems: Problems): Generator<Problem> {
  const { apiVersion, kind } = document;
  if (isUnset(apiVersion)) {
    if (Object.keys(document).length > 0) {
      yield problems.required(['apiVersion'], `must be "${API_VERSION}"`);
    }
  } else if (typeof apiVersion === 'string' && apiVersion !== API_VERSION) {
    yield problems.notSupported(['apiVersion'], apiVersion, [API_VERSION]);
  }
  if (typeof kind === 'string' && !isUnset(kind) && kind !== KIND) {
    yield problems.notSupported(['kind'], kind, [KIND]);
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function withSource(problem: Problem, source: string | undefined): Problem {
  return problem.path === '' && source !== undefined
    ? { ...problem, text: `${source}: ${problem.text}` }
    : problem;
}
