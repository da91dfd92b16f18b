import { z } from 'zod';
import { conditionsSchema, count, nodesSchema, observedGenerationSchema, time } from './status-fields.ts';

/** `Unused`: another object owns the upstream, or the configuration is invalid. */
const CACHE_STATES = ['Starting', 'Serving', 'Failing', 'Removing', 'Unused'] as const;
export const CREDENTIAL_STATES = ['Valid', 'Rejected', 'Missing', 'Expiring'] as const;

const cacheStatus = z
  .strictObject({
    upstream: z.string().meta({ description: 'Upstream, as in the spec.' }),
    state: z.enum(CACHE_STATES).meta({
      description:
        '`Starting`: not serving yet. `Serving`: serving. `Failing`: nodes pull from the upstream instead. `Removing`: nodes stop ' +
        'using the cache, then it is deleted. `Unused`: another object owns the upstream, or the spec is invalid.',
    }),
    endpoint: z.string().optional().meta({ description: 'Address of the cache inside the cluster.' }),
    nodes: nodesSchema.optional(),
    volume: z
      .strictObject({
        sizeBytes: count().meta({
          description: 'Capacity of the volume. Less than in the spec while the volume grows.',
        }),
        usedBytes: count().meta({ description: 'Bytes stored, running downloads included.' }),
      })
      .optional()
      .meta({ description: 'Volume of the cache.' }),
    hitRatioPercent: z.int().min(0).max(100).optional().meta({
      description:
        'Percentage of content requests that the cache answered from its store, even if it asked the upstream first.',
    }),
    bytesSaved: count()
      .optional()
      .meta({ description: 'Bytes sent to callers that the upstream did not have to send.' }),
    credentialState: z
      .enum(CREDENTIAL_STATES)
      .optional()
      .meta({
        description:
          'Worst state of the credentials in the spec. `Valid`: usable. `Expiring`: a cloud login that cannot be renewed. `Rejected`: ' +
          'refused by the upstream. `Missing`: not readable, or the cloud gives no login. Absent without credentials.',
      }),
    lastUpstreamError: z
      .strictObject({
        code: z.string().meta({ description: 'Error code. See docs/reference/errors.md.' }),
        message: z.string().meta({ description: 'Description of the failure.' }),
        time: time().meta({ description: 'Time of the failure.' }),
      })
      .optional()
      .meta({ description: 'Last failure of the upstream. Kept after the upstream has recovered.' }),
  })
  .meta({ description: 'Status of the cache of one upstream.' });

/** The status of a `RegistryConfig`, as the operator writes it. */
export const registryConfigStatusSchema = z
  .strictObject({
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
    caches: z.array(cacheStatus).optional().meta({ description: 'Status of each cache.' }),
    summary: z
      .strictObject({
        caches: z.string().meta({ description: 'Serving caches, of all: `2/3`.' }),
        nodes: z.string().meta({ description: 'Nodes that use all caches, of all: `5/5`.' }),
        hits: z.string().optional().meta({ description: 'Hit ratio of all caches: `93%`.' }),
        saved: z.string().optional().meta({ description: 'Bytes saved by all caches: `120Gi`.' }),
      })
      .optional()
      .meta({ description: 'Columns of `kubectl get`.' }),
  })
  .meta({ description: 'Status of the caches. Written by Larder.' });

export type RegistryConfigStatus = z.output<typeof registryConfigStatusSchema>;
export type CacheEntryStatus = z.output<typeof cacheStatus>;
export type CacheState = (typeof CACHE_STATES)[number];
