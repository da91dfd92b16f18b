import { z } from 'zod';
import { formatPath, type FieldPath } from '../../kit/document/field-problem.ts';
import { innermost } from './effective.ts';

/** Mark of a field that the Gardener extension does not know, for the `meta` of its schema. */
export const ADDED = { isAdded: true } as const;

/** Names of the marked fields of a map, or of the entries of a list, in the order of the schema. Those of maps inside are left out. */
export function addedNames(schema: z.ZodType): string[] {
  const field = innermost(schema);
  if (field instanceof z.ZodArray) return addedNames(field.element as z.ZodType);
  return Object.entries(shapeOf(schema) ?? {})
    .filter(([, field]) => isAdded(field))
    .map(([name]) => name);
}

/**
 * Finds the marked fields in a document, each with its complete path and in the order of the document. A field counts whatever its value is:
 * the Gardener extension refuses its name. Whatever else is wrong with the document is not looked at.
 */
export function addedFields(schema: z.ZodType, document: unknown): string[] {
  return [...addedPaths(schema, document, [])].map((path) => formatPath(path));
}

function* addedPaths(schema: z.ZodType, value: unknown, path: FieldPath): Generator<FieldPath> {
  const field = innermost(schema);
  if (field instanceof z.ZodArray && Array.isArray(value)) {
    for (const [index, entry] of value.entries()) {
      yield* addedPaths(field.element as z.ZodType, entry, [...path, index]);
    }
  }
  const shape = shapeOf(schema);
  if (shape === undefined || typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (known === undefined) continue;
    if (isAdded(known)) yield [...path, name];
    else yield* addedPaths(known, inner, [...path, name]);
  }
}

function isAdded(schema: z.ZodType): boolean {
  return schema.meta()?.['isAdded'] === true;
}

/** Undefined for a schema of anything but a map. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const field = innermost(schema);
  return field instanceof z.ZodObject ? field.shape : undefined;
}
