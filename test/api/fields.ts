import { z } from 'zod';

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

/** The paths of all fields of a document schema, such as `caches[].upstream`, sorted. */
export function fieldsOf(schema: z.ZodType): string[] {
  const found: string[] = [];
  const collect = (of: JsonSchema, path: string): void => {
    if (of.items !== undefined) collect(of.items, `${path}[]`);
    for (const [name, field] of Object.entries(of.properties ?? {})) {
      const below = path === '' ? name : `${path}.${name}`;
      found.push(below);
      collect(field, below);
    }
  };
  collect(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, '');
  return found.toSorted();
}

/** The paths of all fields that are set in at least one of the documents, sorted. */
export function fieldsIn(documents: readonly unknown[]): string[] {
  const found = new Set<string>();
  const collect = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const entry of value) collect(entry, `${path}[]`);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, part] of Object.entries(value)) {
        if (part === undefined) continue;
        const below = path === '' ? name : `${path}.${name}`;
        found.add(below);
        collect(part, below);
      }
    }
  };
  for (const document of documents) collect(document, '');
  return [...found].toSorted();
}
