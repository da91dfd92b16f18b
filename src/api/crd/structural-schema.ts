import { z } from 'zod';
import type { CelRule } from './cel.ts';

/** A structural schema as far as we use it (apiextensions.k8s.io/v1, `JSONSchemaProps`). */
export interface StructuralSchema extends Additions {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly { readonly type: string }[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
}

/** What a CRD says of a field beyond its zod schema. Limits are there because the API server bounds the cost of CEL by them. */
export interface Additions {
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
}

/**
 * The structural schema of what `schema` reads. Unknown fields are not mentioned, since a structural schema prunes them and the
 * API server tells them to whoever asks for strict validation, as kubectl does. A default of a map is given to a map that is left
 * out, one of its field to a map that is there without it; both are written out, because the API server judges each default by the
 * rules before it fills in others. Empty lists are no defaults: they say nothing, and rules want them to be absent. `additions` are
 * keyed by path, such as `caches[].upstream`, and empty for the root; one whose field does not exist is a mistake and throws a
 * `TypeError`.
 */
export function structuralSchema(
  schema: z.ZodType,
  additions: Readonly<Record<string, Additions>> = {},
): StructuralSchema {
  const unused = new Set(Object.keys(additions));
  const json = z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as JsonSchema;
  const found = mended(json, '', (path) => {
    unused.delete(path);
    return additions[path] ?? {};
  });
  if (unused.size > 0)
    throw new TypeError(`additions for fields that do not exist: ${[...unused].join(', ')}`);
  return found;
}

interface JsonSchema extends Omit<StructuralSchema, 'items' | 'properties'> {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

function mended(node: JsonSchema, path: string, additions: (path: string) => Additions): StructuralSchema {
  const { description, type, format, enum: values, default: fallback, minimum, maximum, required } = node;
  const { properties, items, anyOf } = node;
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const fields =
    properties &&
    Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, mended(field, below(name), additions)]),
    );
  return defined({
    description,
    // A union of number and text is a quantity.
    ...(anyOf === undefined
      ? { type }
      : { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }),
    format,
    enum: values,
    default: completeDefault(fallback, fields),
    minimum: isSafeIntegerLimit(minimum) ? undefined : minimum,
    maximum: isSafeIntegerLimit(maximum) ? undefined : maximum,
    required,
    properties: fields,
    items: items && mended(items, `${path}[]`, additions),
    ...additions(path),
  });
}

/** With the defaults of the fields that it leaves out; undefined when it then says nothing. */
function completeDefault(
  fallback: unknown,
  fields: Readonly<Record<string, StructuralSchema>> = {},
): unknown {
  if (typeof fallback !== 'object' || fallback === null) return fallback;
  if (Array.isArray(fallback)) return fallback.length === 0 ? undefined : fallback;
  const inner = Object.entries(fields).map(([name, field]) => [name, field.default]);
  const complete = defined({ ...Object.fromEntries(inner), ...fallback });
  return Object.keys(complete).length === 0 ? undefined : complete;
}

/** What zod says of every integer. */
function isSafeIntegerLimit(value: number | undefined): boolean {
  return Math.abs(value ?? 0) === Number.MAX_SAFE_INTEGER;
}

function defined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
}
