import { z } from 'zod';
import { CONDITION_TYPES, REASONS, type Reason } from './reasons.ts';

/** The building blocks of status schemas. A status is only ever written by us, so nothing in it is lenient. */

export function count() {
  return z.int().min(0).meta({ format: 'int64' });
}

export function time() {
  return z.iso.datetime().meta({ format: 'date-time' });
}

/** As `metav1.Condition`, with the reasons of {@link REASONS}; `type` and `status` follow from the reason. */
export const conditionSchema = z
  .strictObject({
    type: z.enum(CONDITION_TYPES).meta({ description: 'What is said to be true, false or unknown.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it is.' }),
    reason: z
      .enum(Object.keys(REASONS) as [Reason, ...Reason[]])
      .meta({ description: 'Why, as one word for programs: docs/reference/conditions.md lists them.' }),
    message: z.string().meta({ description: 'Why, as a sentence for people: what is wrong, and where.' }),
    observedGeneration: count().meta({ description: 'The generation of the spec that this is said of.' }),
    lastTransitionTime: time().meta({ description: 'When `status` last changed.' }),
  })
  .meta({ description: 'One statement about the object.' });

export type Condition = z.output<typeof conditionSchema>;

export const conditionsSchema = z
  .array(conditionSchema)
  .meta({ description: 'Does it work? `Ready`, `Progressing`, `Degraded` and `Conflict`.' });

export const observedGenerationSchema = count().meta({
  description: 'The generation of the spec that the rest of the status is about.',
});

/** How many of the nodes do what they should. */
export const nodesSchema = z
  .strictObject({
    configured: count().meta({ description: 'Nodes whose pulls of this upstream go as configured.' }),
    total: count().meta({ description: 'Nodes that should.' }),
  })
  .meta({ description: 'The nodes that use it.' });

export type NodeCounts = z.output<typeof nodesSchema>;
