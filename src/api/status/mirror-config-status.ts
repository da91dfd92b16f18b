import { z } from 'zod';
import { conditionsSchema, nodesSchema, observedGenerationSchema } from './status-fields.ts';

const MIRROR_STATES = ['Pending', 'Configured', 'Removing', 'Unused'] as const;

const mirrorStatus = z
  .strictObject({
    upstream: z.string().meta({ description: 'Upstream, as in the spec.' }),
    state: z.enum(MIRROR_STATES).meta({
      description:
        '`Pending`: not yet on all nodes. `Configured`: on all nodes. `Removing`: being removed from the nodes. `Unused`: another ' +
        'object owns the upstream, or the spec is invalid.',
    }),
    nodes: nodesSchema.optional(),
  })
  .meta({ description: 'Status of the mirrors of one upstream.' });

/** The status of a `MirrorConfig`, as the operator writes it. */
export const mirrorConfigStatusSchema = z
  .strictObject({
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
    mirrors: z
      .array(mirrorStatus)
      .optional()
      .meta({ description: 'Status of the mirrors of each upstream.' }),
    summary: z
      .strictObject({
        nodes: z.string().meta({ description: 'Nodes that use all mirrors, of all: `5/5`.' }),
      })
      .optional()
      .meta({ description: 'Columns of `kubectl get`.' }),
  })
  .meta({ description: 'Status of the mirrors on the nodes. Written by Larder.' });

export type MirrorConfigStatus = z.output<typeof mirrorConfigStatusSchema>;
export type MirrorStatus = z.output<typeof mirrorStatus>;
