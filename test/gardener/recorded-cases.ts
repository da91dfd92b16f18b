/**
 * Recordings of the Go extension 0.24.0 at real API servers: what it made of an Extension, step by step. `cases/` has them without repetition:
 * `objects.yaml` the objects, with placeholders such as `<name>`, and one file for each kind of case, whose objects are a placeholder's values and
 * the name of an entry there. `compact-recordings.ts` makes the files from the recordings.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type CaseKind = 'reconcile' | 'lifecycle' | 'osc';

export interface RecordedCase {
  /** `kind/name` as the list of differences names it. */
  readonly name: string;
  readonly input: CaseInput;
  readonly steps: readonly RecordedStep[];
}

/** Begin of a case, and what was done. Patches are JSON merge patches (RFC 7386). */
export interface CaseInput {
  readonly description: string;
  /** Patch of `shoot.yaml`. */
  readonly shoot?: object;
  /** Secrets of the shoot namespace, in plain text. */
  readonly secrets?: Readonly<Record<string, { readonly data?: Readonly<Record<string, string | number>> }>>;
  readonly steps: readonly (string | Readonly<Record<string, unknown>>)[];
  /** Patch of the labels of the namespace. */
  readonly namespaceLabels?: Readonly<Record<string, string | null>>;
  readonly [field: string]: unknown;
}

/** Observation after one step. */
export interface RecordedStep<Value = object> {
  readonly action: string;
  readonly settled?: string;
  readonly transitions?: readonly string[];
  readonly extension?: { readonly status?: { readonly providerStatus?: unknown } } | null;
  readonly objects?: ObjectChanges<Value>;
  readonly [field: string]: unknown;
}

/** Differences to the step before. Objects are whole. */
export interface ObjectChanges<Value = object> {
  readonly created?: Readonly<Record<string, Value>>;
  readonly updated?: Readonly<Record<string, Value>>;
  readonly deleted?: readonly string[];
  readonly [field: string]: unknown;
}

/** Values of placeholders. */
export type Names = Readonly<Record<string, string>>;

/** A case as the file has it: `created` and `updated` map the key of an object to `ENTRY` or `ENTRY ROW`. */
export interface CompactCase {
  readonly name: string;
  readonly input: CaseInput;
  /** Values of placeholders by row. */
  readonly rows?: Readonly<Record<string, Names>>;
  readonly steps: readonly RecordedStep<string>[];
}

/** Namespace of a case in the seed, as in the recordings. */
export function namespaceOf(caseName: string): string {
  const [, name = ''] = caseName.split('/');
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return `shoot--p--${slug}`.slice(0, 63).replace(/-$/, '');
}

/** Reads all cases of a kind. */
export function recordedCases(kind: CaseKind): RecordedCase[] {
  const objects = readCases('objects') as Readonly<Record<string, object>>;
  return (readCases(kind) as CompactCase[]).map((one) => expanded(kind, one, objects));
}

/** Puts the objects back into a case. */
export function expanded(
  kind: CaseKind,
  { name, input, rows = {}, steps }: CompactCase,
  objects: Readonly<Record<string, object>>,
): RecordedCase {
  const object = (place: string): object => {
    const [entry = '', row = ''] = place.split(' ');
    return filled(objects[entry], rows[row] ?? {}) as object;
  };
  return {
    name: `${kind}/${name}`,
    input: withFiles(input),
    steps: steps.map((step) => withObjects(step, object)),
  };
}

/** Puts the contents of files in `cases/` for their names. */
function withFiles(input: CaseInput): CaseInput {
  const text = JSON.stringify(input).replaceAll(/<([a-z0-9-]+\.pem)>/g, (_, name: string) =>
    JSON.stringify(readFileSync(new URL(`cases/${name}`, import.meta.url), 'utf8')).slice(1, -1),
  );
  return JSON.parse(text) as CaseInput;
}

/** Changes the form of the objects in a step. */
export function withObjects<From, To>(
  step: RecordedStep<From>,
  change: (object: From, key: string) => To,
): RecordedStep<To> {
  const { objects, ...rest } = step;
  if (objects === undefined) return rest;
  const { created, updated, ...others } = objects;
  const changed = (map: Readonly<Record<string, From>>): Record<string, To> =>
    Object.fromEntries(Object.entries(map).map(([key, object]) => [key, change(object, key)]));
  return {
    ...rest,
    objects: {
      ...(created !== undefined && { created: changed(created) }),
      ...(updated !== undefined && { updated: changed(updated) }),
      ...others,
    },
  };
}

/** Fills in the placeholders of texts and keys. */
export function filled(value: unknown, names: Names): unknown {
  const text = JSON.stringify(value).replaceAll(/<(\w+)>/g, (placeholder, name: string) => {
    const found = names[name];
    return found === undefined ? placeholder : JSON.stringify(found).slice(1, -1);
  });
  return JSON.parse(text) as unknown;
}

function readCases(name: string): unknown {
  return parse(readFileSync(new URL(`cases/${name}.yaml`, import.meta.url), 'utf8'));
}
