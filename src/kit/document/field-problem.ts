import { goQuote } from './go-quote.ts';

/** The keys and indices from the document's root to a field. */
export type FieldPath = readonly (string | number)[];

/**
 * The kind of a problem. The first six are those of Kubernetes' field errors. The others come from reading the document: it is no
 * YAML, it has a field that does not exist or that occurs twice, or a value that cannot be read.
 */
export type ProblemKind =
  | 'Required'
  | 'Invalid'
  | 'Duplicate'
  | 'NotSupported'
  | 'TooLong'
  | 'Forbidden'
  | 'Syntax'
  | 'UnknownField'
  | 'RepeatedField'
  | 'Undecodable';

/** One mistake in a document. */
export interface Problem {
  /** Complete, such as `caches[0].garbageCollection.ttl`; empty for the document itself. */
  readonly path: string;
  readonly kind: ProblemKind;
  /** The mistake, without the path. */
  readonly message: string;
  /** The line for users: path, then message. */
  readonly text: string;
}

/** Makes problems whose paths begin with `prefix`. */
export type Problems = ReturnType<typeof problemsAt>;

/** Returns the constructors of problems below `prefix`. The texts are those of `k8s.io/apimachinery/pkg/util/validation/field`. */
export function problemsAt(prefix: string) {
  const problem = (path: FieldPath, kind: ProblemKind, message: string): Problem => {
    const complete = formatPath(path, prefix);
    return { path: complete, kind, message, text: complete === '' ? message : `${complete}: ${message}` };
  };
  return {
    /** The complete path. */
    at: (path: FieldPath) => formatPath(path, prefix),
    required: (path: FieldPath, detail: string) => problem(path, 'Required', `Required value: ${detail}`),
    invalid: (path: FieldPath, value: string, detail: string) =>
      problem(path, 'Invalid', `Invalid value: ${goQuote(value)}: ${detail}`),
    /** Reports a bad value that is no text. `json` is the value as Kubernetes prints it. */
    invalidJson: (path: FieldPath, json: string, detail: string) =>
      problem(path, 'Invalid', `Invalid value: ${json}: ${detail}`),
    duplicate: (path: FieldPath, value: string) =>
      problem(path, 'Duplicate', `Duplicate value: ${goQuote(value)}`),
    notSupported: (path: FieldPath, value: string, supported: readonly string[]) =>
      problem(
        path,
        'NotSupported',
        `Unsupported value: ${goQuote(value)}: supported values: ${supported.map(goQuote).join(', ')}`,
      ),
    tooLong: (path: FieldPath, limit: number) =>
      problem(path, 'TooLong', `Too long: may not be more than ${limit} bytes`),
    forbidden: (path: FieldPath, detail: string) => problem(path, 'Forbidden', `Forbidden: ${detail}`),
    syntax: (message: string) => problem([], 'Syntax', message),
    unknownField: (path: FieldPath, hint: string) =>
      problem(path, 'UnknownField', `unknown field ${goQuote(formatPath(path))}${hint}`),
    repeatedField: (path: FieldPath, line: number) =>
      problem(path, 'RepeatedField', `duplicate field ${goQuote(formatPath(path))} (again in line ${line})`),
    undecodable: (path: FieldPath, message: string) => problem(path, 'Undecodable', message),
  };
}

/** One line per problem, the field path first. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map((problem) => problem.text).join('\n');
}

/** Formats a path such as `caches[0].volume.size`, with `prefix` in front. */
export function formatPath(path: FieldPath, prefix = ''): string {
  let text = prefix;
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

/** The value at a path of a document; undefined where there is none. */
export function valueAt(document: unknown, path: FieldPath): unknown {
  let value = document;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}
