import { z } from 'zod';
import { parseDuration } from '../../kit/duration.ts';
import { isLarderError } from '../../kit/errors.ts';
import { parseQuantity } from '../../kit/quantity.ts';

/**
 * The building blocks of document schemas. They read a document as Kubernetes does: unknown fields are errors, and `null`
 * means that a field is not set. The message of a wrong type says what is wanted, to be read after "must be".
 */

/**
 * An object without unknown fields. The message of that issue lists the known ones, separated by blanks, for whoever turns
 * it into a hint.
 */
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

/** A field that may be left out or be `null`; give `schema` a default, or make it optional. */
export function maybe<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => value ?? undefined, schema);
}

/** A text that must be there: left out or `null` it is empty, and the rules say what is wrong with that. */
export function text() {
  return z.preprocess((value) => value ?? '', string());
}

/** A list, empty when left out; a `null` entry counts as an empty one of its type. */
export function listOf<Schema extends z.ZodType>(entry: Schema) {
  return maybe(z.array(entry, 'a list').prefault([]));
}

/** A map in a list: a `null` entry counts as `{}`. */
export function entryMap<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, strictMap(shape));
}

/**
 * A Go duration, `fallback` when left out. Unlike elsewhere `null` is an error here, because the Go type reads it as an
 * empty duration.
 */
export function duration(fallback: string) {
  return z.preprocess(
    (value) => (value === null ? '' : value),
    z.string('a duration such as "168h"').transform(reading(parseDuration)).prefault(fallback),
  );
}

/** A Kubernetes quantity; a plain number is one too. */
export function quantity() {
  return z.union([z.string(), z.number()], 'a quantity such as "10Gi"').transform(reading(parseQuantity));
}

/** Turns a parser that throws `CONFIG_INVALID` into a transform whose error becomes an issue of the field. */
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
