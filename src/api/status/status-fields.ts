import { z } from 'zod';
import { CONDITION_TYPES, REASONS, type Reason } from './reasons.ts';

/** The building blocks of status schemas. Only Larder writes a status, so nothing in it is lenient. */

export function count() {
  return z.int().min(0).meta({ format: 'int64' });
}

export function time() {
  return z.iso.datetime().meta({ format: 'date-time' });
}

/** A `metav1.Condition` with a reason of {@link REASONS}, from which `type` and `status` follow. */
const conditionSchema = z
  .strictObject({
    type: z.enum(CONDITION_TYPES).meta({ description: 'Name of the condition.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether the condition holds.' }),
    reason: z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]).meta({
      description: 'Reason of the status, as one word for programs. See docs/reference/conditions.md.',
    }),
    message: z.string().meta({ description: 'Reason of the status, as a sentence for people.' }),
    observedGeneration: count().meta({ description: 'Generation of the spec that the condition describes.' }),
    lastTransitionTime: time().meta({ description: 'Time of the last change of `status`.' }),
  })
  .meta({ description: 'One condition of the object.' });

export type ConfigCondition = z.output<typeof conditionSchema>;

export const conditionsSchema = z
  .array(conditionSchema)
  .meta({ description: 'Conditions of the object: `Ready`, `Progressing`, `Degraded` and `Conflict`.' });

export const observedGenerationSchema = count().meta({
  description: 'Generation of the spec that the status describes.',
});

/** Counts the nodes that use the caches or mirrors as configured. */
export const nodesSchema = z
  .strictObject({
    configured: count().meta({ description: 'Nodes that pull from this upstream as configured.' }),
    total: count().meta({ description: 'Nodes that should do so.' }),
  })
  .meta({ description: 'Nodes that use the upstream.' });

export type NodeCounts = z.output<typeof nodesSchema>;
