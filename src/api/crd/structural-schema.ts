import { z } from 'zod';
import type { CelRule } from './cel.ts';

/** The part of a structural schema that Larder uses (apiextensions.k8s.io/v1, `JSONSchemaProps`). */
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

/** Additions of a CRD to the zod schema of a field. The API server bounds the cost of CEL by the limits. */
export interface Additions {
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
}

/**
 * Makes the structural schema of the input of `schema`.
 *
 * Unknown fields need no rule: a structural schema prunes them, and the API server reports them to a client that asks for strict
 * validation, such as kubectl. The default of a map applies if the map is left out, the default of its field if the map is present
 * without the field. Both are written out, because the API server validates each default before it fills in others. An empty list is
 * no default: it adds nothing, and rules expect the list to be absent.
 *
 * The keys of `additions` are paths, such as `caches[].upstream`, and the empty text for the root. Throws a `TypeError` if a field
 * does not exist.
 */
export function structuralSchema(
  schema: z.ZodType,
  additions: Readonly<Record<string, Additions>> = {},
): StructuralSchema {
  const unused = new Set(Object.keys(additions));
  const json = z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as JsonSchema;
  const found = structural(json, '', (path) => {
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

function structural(
  node: JsonSchema,
  path: string,
  additions: (path: string) => Additions,
): StructuralSchema {
  const { description, type, format, enum: values, default: fallback, minimum, maximum, required } = node;
  const { properties, items, anyOf } = node;
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const fields =
    properties &&
    Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, structural(field, below(name), additions)]),
    );
  return defined({
    description,
    // Only a quantity is a union of number and text.
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
    items: items && structural(items, `${path}[]`, additions),
    ...additions(path),
  });
}

/** Adds the defaults of missing fields. Gives undefined if the result is empty. */
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

/** True for the limit that zod gives every integer. */
function isSafeIntegerLimit(value: number | undefined): boolean {
  return Math.abs(value ?? 0) === Number.MAX_SAFE_INTEGER;
}

function defined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
}
