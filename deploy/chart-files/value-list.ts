import { z } from 'zod';
import { valuesSchema } from './values.ts';

/** One value of the chart: its path, such as `image.repository`, its default and its meaning. */
export interface Value {
  readonly path: readonly string[];
  readonly standard: unknown;
  readonly description: string;
}

/** Gives the JSON Schema of the values in draft 7, which all versions of Helm 3 read. */
export function valuesJsonSchema(): JsonSchema {
  return z.toJSONSchema(valuesSchema, { target: 'draft-7', io: 'input' }) as JsonSchema;
}

/** Lists every value in the order of the definition. Throws a `TypeError` for a value without a description. */
export function valueList(schema: JsonSchema = valuesJsonSchema(), path: readonly string[] = []): Value[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const here = [...path, name];
    if (child.description !== undefined)
      return [{ path: here, standard: child.default, description: child.description }];
    if (child.properties === undefined) throw new TypeError(`${here.join('.')} has no description`);
    return valueList(child, here);
  });
}

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}
