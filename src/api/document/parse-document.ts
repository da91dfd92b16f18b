import type { z } from 'zod';
import { decode, type Decoded } from './decode.ts';
import { problemsAt, type Problem, type Problems } from '../../kit/document/field-problem.ts';
import { readYamlText } from '../../kit/document/yaml-text.ts';

/**
 * The carrier of a document: an object of its own, in a cluster or a file, or the `providerConfig` of a Shoot. The Gardener extension has
 * accepted the Shoots that exist. Therefore rules that are stricter than the extension's, for fields that it knows, do not apply to a Shoot.
 */
export type Carrier = 'Object' | 'Shoot';

export interface ParseOptions {
  /** Path of the document in a larger object, such as `spec.extensions[0].providerConfig`. Every path begins with it. */
  pathPrefix?: string;
  /** Name of the document, such as a file name, for problems without a path. */
  source?: string;
  /** Default: `Object`. */
  carrier?: Carrier;
}

export type ParseResult<Config> =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A kind of document, as far as reading it takes. */
export interface DocumentType<Schema extends z.ZodType> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
}

/** A kind of document, with the steps from a document to a configuration. */
export interface DocumentKind<Schema extends z.ZodType, Config> extends DocumentType<Schema> {
  /** Checks a document without the fields that `isBroken`. */
  readonly rules: (
    document: z.output<Schema>,
    prefix: string,
    isBroken: (path: string) => boolean,
    carrier: Carrier,
  ) => readonly Problem[];
  /** Turns a document without problems into a configuration. */
  readonly effective: (document: z.output<Schema>) => Config;
}

/**
 * Reads a document of one kind from a YAML or JSON text, or from a decoded value. Gives the effective configuration, or all
 * problems at once: first the problems of reading in the order of the document, then those of the rules. Never throws.
 */
export function parseDocument<Schema extends z.ZodType, Config>(
  of: DocumentKind<Schema, Config>,
  input: unknown,
  options: ParseOptions = {},
): ParseResult<Config> {
  const prefix = options.pathPrefix ?? '';
  const text = typeof input === 'string' ? readYamlText(input, { prefix }) : { value: input, problems: [] };
  const unreadable = text.problems.some((problem) => problem.kind === 'Syntax');
  const { carrier = 'Object' } = options;
  const result = unreadable ? { problems: [] } : parseValue(of, text.value, prefix, carrier);
  const problems = [...text.problems, ...result.problems];
  if (problems.length === 0 && result.config !== undefined) return { ok: true, config: result.config };
  return { ok: false, problems: problems.map((problem) => withSource(problem, options.source)) };
}

interface Parsed<Config> {
  readonly config?: Config;
  readonly problems: readonly Problem[];
}

function parseValue<Schema extends z.ZodType, Config>(
  of: DocumentKind<Schema, Config>,
  document: unknown,
  prefix: string,
  carrier: Carrier,
): Parsed<Config> {
  const { value, problems, isBroken } = readDocument(of, document, prefix);
  if (value === undefined) return { problems };
  const found = [...problems, ...of.rules(value, prefix, isBroken, carrier)];
  return found.length > 0 ? { problems: found } : { config: of.effective(value), problems: [] };
}

/** Reads the fields of a decoded value by the schema of its kind, before any rule. Never throws. */
export function readDocument<Schema extends z.ZodType>(
  of: DocumentType<Schema>,
  document: unknown,
  prefix: string,
): Decoded<z.output<Schema>> {
  const problems = problemsAt(prefix);
  const unusable = (found: readonly Problem[]) => ({
    value: undefined,
    problems: found,
    isBroken: () => true,
  });
  if (!isMap(document)) {
    const found = Array.isArray(document) ? 'a list' : isUnset(document) ? 'nothing' : `a ${typeof document}`;
    return unusable([problems.undecodable([], `expected a ${of.kind} document, found ${found}`)]);
  }
  const mismatches = [...typeProblems(of, document, problems)];
  // The document is of another kind. Problems with its fields would hide this mistake.
  if (mismatches.some(({ path }) => path === problems.at(['kind']))) return unusable(mismatches);
  const decoded = decode(of.schema, document, prefix);
  return { ...decoded, problems: [...mismatches, ...decoded.problems] };
}

/**
 * Checks kind and version. As in the Gardener extension, `kind` may be left out, and a document without content is reported only
 * for its missing list.
 */
function* typeProblems(
  of: { readonly apiVersion: string; readonly kind: string },
  document: Record<string, unknown>,
  problems: Problems,
): Generator<Problem> {
  const { apiVersion, kind } = document;
  if (isUnset(apiVersion)) {
    if (Object.keys(document).some((key) => key !== 'apiVersion' && key !== 'kind')) {
      yield problems.required(['apiVersion'], `must be "${of.apiVersion}"`);
    }
  } else if (typeof apiVersion === 'string' && apiVersion !== of.apiVersion) {
    yield problems.notSupported(['apiVersion'], apiVersion, [of.apiVersion]);
  }
  if (typeof kind === 'string' && !isUnset(kind) && kind !== of.kind) {
    yield problems.notSupported(['kind'], kind, [of.kind]);
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
