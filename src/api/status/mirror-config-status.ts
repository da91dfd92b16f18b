import { z } from 'zod';
import { conditionsSchema, nodesSchema, observedGenerationSchema } from './status-fields.ts';

export const MIRROR_STATES = ['Pending', 'Configured', 'Removing', 'Unused'] as const;

const mirrorStatus = z
  .strictObject({
    upstream: z.string().meta({ description: 'As in the spec.' }),
    state: z.enum(MIRROR_STATES).meta({
      description:
        '`Pending`: not on all nodes yet. `Configured`: on all of them. `Removing`: being taken away. `Unused`: another object owns ' +
        'the upstream, or the spec is invalid.',
    }),
    nodes: nodesSchema.optional(),
  })
  .meta({ description: 'The mirrors of one upstream.' });

/** The status of a `MirrorConfig`, as the operator writes it. */
export const mirrorConfigStatusSchema = z
  .strictObject({
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
    mirrors: z.array(mirrorStatus).optional().meta({ description: 'Which nodes use the mirrors.' }),
    summary: z
      .strictObject({
        nodes: z.string().meta({ description: 'Nodes that use all mirrors, of all: `5/5`.' }),
      })
      .optional()
      .meta({ description: 'What `kubectl get` shows.' }),
  })
  .meta({ description: 'How far the mirrors have come to the nodes. Written by Larder.' });

export type MirrorConfigStatus = z.output<typeof mirrorConfigStatusSchema>;
export type MirrorStatus = z.output<typeof mirrorStatus>;
