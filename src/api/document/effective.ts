import { z } from 'zod';
import { durationFromMs, durationToMs, formatDuration, type Duration } from '../../kit/duration.ts';
import { formatBytes, quantityToBytes, type Quantity } from '../../kit/quantity.ts';
import { BYTES, DURATION, QUANTITY, type Bytes } from './schema-fields.ts';

/**
 * A value as programs use it. Durations become milliseconds (`ttl` is `ttlMs`), byte quantities numbers (`maxSize` is
 * `maxSizeBytes`), other quantities texts. Every field is there, with `undefined` for one that is not set.
 */
export type Effective<Value> = Value extends Duration | Bytes
  ? number
  : Value extends Quantity
    ? string
    : Value extends readonly (infer Entry)[]
      ? readonly Effective<Entry>[]
      : Value extends object
        ? {
            readonly [Name in keyof Required<Value> as EffectiveName<Name, Value[Name]>]: Effective<
              Value[Name]
            >;
          }
        : Value;

type EffectiveName<Name, Value> =
  NonNullable<Value> extends Duration
    ? `${Name & string}Ms`
    : NonNullable<Value> extends Bytes
      ? `${Name & string}Bytes`
      : Name;

/** Turns a value that `schema` has read, perhaps with more defaults, into the one for programs. */
export function toEffective<Value extends object>(schema: z.ZodType, value: Value): Effective<Value> {
  return converted(schema, value, 'effective') as Effective<Value>;
}

/** Turns the value for programs back into a document that `schema` reads as the same value. */
export function toDocument(schema: z.ZodType, value: object): Record<string, unknown> {
  return converted(schema, value, 'document') as Record<string, unknown>;
}

interface Amount {
  /** Ends the name of the field for programs. */
  readonly suffix: string;
  effective(read: never): unknown;
  document(effective: never): unknown;
}

const AMOUNTS: ReadonlyMap<z.ZodType, Amount> = new Map<z.ZodType, Amount>([
  [
    DURATION,
    {
      suffix: 'Ms',
      effective: durationToMs,
      document: (ms: number) => formatDuration(durationFromMs(ms)),
    },
  ],
  [BYTES, { suffix: 'Bytes', effective: quantityToBytes, document: formatBytes }],
  [QUANTITY, { suffix: '', effective: ({ text }: Quantity) => text, document: (text: string) => text }],
]);

function converted(schema: z.ZodType, value: unknown, to: 'effective' | 'document'): unknown {
  if (value === undefined) return undefined;
  const field = innermost(schema);
  if (field instanceof z.ZodArray) {
    return (value as unknown[]).map((entry) => converted(field.element as z.ZodType, entry, to));
  }
  if (field instanceof z.ZodObject) {
    const fields = Object.entries(field.shape as Record<string, z.ZodType>).map(([name, inner]) => {
      const names = { document: name, effective: name + (AMOUNTS.get(innermost(inner))?.suffix ?? '') };
      const from = names[to === 'effective' ? 'document' : 'effective'];
      return [names[to], converted(inner, (value as Record<string, unknown>)[from], to)];
    });
    return Object.fromEntries(fields);
  }
  const amount = AMOUNTS.get(field);
  return amount === undefined ? value : amount[to](value as never);
}

/** The schema inside of defaults and preprocessing. */
export function innermost(schema: z.ZodType): z.ZodType {
  if (AMOUNTS.has(schema)) return schema;
  if (schema instanceof z.ZodPreprocess) return innermost(schema.out as z.ZodType);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return innermost(schema.unwrap() as z.ZodType);
  }
  return schema;
}
