import { z } from 'zod';
import { parseDuration } from '../../kit/duration.ts';
import { isLarderError } from '../../kit/errors.ts';
import { parseQuantity, type Quantity } from '../../kit/quantity.ts';

/**
 * The building blocks of document schemas. They read a document as Kubernetes does: an unknown field is an error, and `null`
 * means that a field is not set. The message of a wrong type names the expected type, and stands behind "must be".
 */

/** An object without unknown fields. The message of that issue lists the known fields, separated by blanks, for a hint. */
export function strictMap<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : 'a map'),
  });
}

export function string() {
  return z.string('a string');
}

export function boolean() {
  return z.boolean('true or false');
}

/** A field that may be left out or be `null`. `schema` has a default or is optional. */
export function maybe<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => value ?? undefined, schema);
}

/** A required text. One that is left out or `null` is read as empty, which the rules then report. */
export function text() {
  return z.preprocess((value) => value ?? '', string());
}

/** A list, empty when left out. A `null` entry counts as an empty one of its type. */
export function listOf<Schema extends z.ZodType>(entry: Schema) {
  return maybe(z.array(entry, 'a list').prefault([]));
}

/** A map in a list: a `null` entry counts as `{}`. */
export function entryMap<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, strictMap(shape));
}

/**
 * A Go duration, `fallback` when left out. Programs get milliseconds. `null` is an error, unlike for other fields, because
 * the Go type reads it as an empty duration.
 */
export function duration(fallback: string) {
  return z.preprocess((value) => (value === null ? '' : value), DURATION.prefault(fallback));
}

/** A Kubernetes quantity of bytes; a plain number is one too. Programs get a number. */
export function bytes() {
  return BYTES;
}

/** A Kubernetes quantity; a plain number is one too. Programs get the text that Kubernetes would print. */
export function quantity() {
  return QUANTITY;
}

/** The schemas of amounts, by which `effective.ts` recognises them. */
export const DURATION = z.string('a duration such as "168h"').transform(reading(parseDuration));
export const BYTES = quantitySchema().brand<'bytes'>();
export const QUANTITY = quantitySchema();

/** A {@link Quantity} of which programs get the bytes. */
export type Bytes = Quantity & z.core.$brand<'bytes'>;

function quantitySchema() {
  return z.union([z.string(), z.number()], 'a quantity such as "10Gi"').transform(reading(parseQuantity));
}

/** Turns a parser that throws `CONFIG_INVALID` into a transform that reports the error as an issue of the field. */
function reading<Input, Output>(parse: (input: Input) => Output) {
  return (value: Input, context: z.RefinementCtx): Output => {
    try {
      return parse(value);
    } catch (error) {
      if (!isLarderError(error, 'CONFIG_INVALID')) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  };
}
