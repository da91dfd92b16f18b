import type { z } from 'zod';
import { structuralSchema, type Additions, type StructuralSchema } from './structural-schema.ts';

/**
 * The structural schema of a status with `conditions` and a list by upstream. It has no enumerations: the operator may be newer than
 * the CRD, which Helm does not upgrade, and a new value must not make the whole status unwritable.
 */
export function statusSchema(schema: z.ZodType, listByUpstream: string): StructuralSchema {
  return open(structuralSchema(schema, { conditions: mapBy('type'), [listByUpstream]: mapBy('upstream') }));
}

function mapBy(key: string): Additions {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
}

/** Removes the enumerations. */
function open(schema: StructuralSchema): StructuralSchema {
  const { properties, items } = schema;
  const rest = Object.entries(schema).filter(([key]) => key !== 'enum');
  return {
    ...Object.fromEntries(rest),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, open(field)])),
    }),
    ...(items && { items: open(items) }),
  };
}
