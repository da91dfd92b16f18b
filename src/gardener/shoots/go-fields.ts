/**
 * The building blocks of schemas for objects of Gardener, which read as Go does: `null` and a missing field are the zero value, and fields
 * without a schema are left alone, because newer versions have more. `place` is the field in the error texts of Go's `encoding/json`.
 */
import { z } from 'zod';
import { valueAt, type FieldPath } from '../../kit/document/field-problem.ts';
import { goJsonType } from '../../kit/json.ts';

export function goText(place: string) {
  return z.preprocess((value) => value ?? '', z.string(place));
}

export function goBoolean(place: string) {
  return z.preprocess((value) => value ?? false, z.boolean(place));
}

/** Ends at the first entry that cannot be read, because only one problem is reported; `z.array` would collect one for each entry. */
export function goList<Entry extends z.ZodType>(place: string, entry: Entry) {
  return z.preprocess(
    (value) => value ?? [],
    z.array(z.unknown(), place).transform((values, context) => {
      const entries: z.output<Entry>[] = [];
      for (const [index, value] of values.entries()) {
        const { data, error } = entry.safeParse(value);
        const [issue] = error?.issues ?? [];
        if (issue !== undefined) {
          context.addIssue({ code: 'custom', message: issue.message, path: [index, ...issue.path] });
          return z.NEVER;
        }
        entries.push(data as z.output<Entry>);
      }
      return entries;
    }),
  );
}

export function goStruct<Shape extends z.core.$ZodLooseShape>(place: string, shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.object(shape, place));
}

/** A text that may be missing, in which case it is undefined. */
export function goOptionalText(place: string) {
  return z.preprocess((value) => value ?? undefined, z.string(place).optional());
}

/** A structure that may be missing, in which case it is undefined. */
export function goOptionalStruct<Shape extends z.core.$ZodLooseShape>(place: string, shape: Shape) {
  return z.preprocess((value) => value ?? undefined, z.object(shape, place).optional());
}

/** A map of texts. */
export function goTextMap(place: string, ofTexts: string) {
  return z.preprocess((value) => value ?? {}, z.record(z.string(), goText(ofTexts), place));
}

/** Says in the words of Go why a schema of these fields has refused `object`. */
export function unmarshalText(object: unknown, { issues: [issue] }: z.ZodError): string {
  const found = goJsonType(valueAt(object, (issue?.path ?? []) as FieldPath));
  return `json: cannot unmarshal ${found} into Go struct field ${issue?.message}`;
}

/** True for the texts that Go's `strconv.ParseBool` reads as true. */
export function isGoTrue(text: string | undefined): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '');
}
