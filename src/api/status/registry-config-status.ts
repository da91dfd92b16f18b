import { z } from 'zod';
import { conditionsSchema, count, nodesSchema, observedGenerationSchema, time } from './status-fields.ts';

/** `Unused`: another object owns the upstream, or the configuration is invalid. */
export const CACHE_STATES = ['Starting', 'Serving', 'Failing', 'Removing', 'Unused'] as const;
export const CREDENTIAL_STATES = ['Valid', 'Rejected', 'Missing', 'Expiring'] as const;

const cacheStatus = z
  .strictObject({
    upstream: z.string().meta({ description: 'As in the spec.' }),
    state: z.enum(CACHE_STATES).meta({
      description:
        '`Starting`: it has not served yet. `Serving`. `Failing`: nodes pull from the upstream instead. `Removing`: nodes are ' +
        'turned away from it before it goes. `Unused`: another object owns the upstream, or the spec is invalid.',
    }),
    endpoint: z
      .string()
      .optional()
      .meta({ description: 'Where the cache is reached inside of the cluster.' }),
    nodes: nodesSchema.optional(),
    volume: z
      .strictObject({
        sizeBytes: count().meta({
          description: 'What the volume holds; less than the spec says while it grows.',
        }),
        usedBytes: count().meta({ description: 'What is stored, running downloads included.' }),
      })
      .optional()
      .meta({ description: 'The volume of the cache.' }),
    hitRatioPercent: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .meta({ description: 'Of a hundred requests for content, those that the cache answered by itself.' }),
    bytesSaved: count()
      .optional()
      .meta({ description: 'Bytes that callers got and the upstream did not send.' }),
    credentialState: z
      .enum(CREDENTIAL_STATES)
      .optional()
      .meta({
        description:
          'The worst of the credentials that the spec names: `Valid`; `Expiring`, a cloud login that cannot be renewed; `Rejected` by ' +
          'the upstream; `Missing`, not readable, or a cloud login that cannot be had. Absent when it names none.',
      }),
    lastUpstreamError: z
      .strictObject({
        code: z.string().meta({ description: 'As in docs/reference/errors.md.' }),
        message: z.string().meta({ description: 'What the upstream did.' }),
        time: time().meta({ description: 'When.' }),
      })
      .optional()
      .meta({ description: 'The last failure of the upstream. It stays when the upstream has recovered.' }),
  })
  .meta({ description: 'The cache of one upstream.' });

/** The status of a `RegistryConfig`, as the operator writes it. */
export const registryConfigStatusSchema = z
  .strictObject({
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
    caches: z.array(cacheStatus).optional().meta({ description: 'How each cache does.' }),
    summary: z
      .strictObject({
        caches: z.string().meta({ description: 'Caches that serve, of all: `2/3`.' }),
        nodes: z.string().meta({ description: 'Nodes that use all of them, of all: `5/5`.' }),
        hits: z.string().optional().meta({ description: 'Hit ratio of all caches: `93%`.' }),
        saved: z.string().optional().meta({ description: 'Bytes saved by all caches: `120Gi`.' }),
      })
      .optional()
      .meta({ description: 'What `kubectl get` shows.' }),
  })
  .meta({ description: 'How the caches do. Written by Larder.' });

export type RegistryConfigStatus = z.output<typeof registryConfigStatusSchema>;
export type CacheEntryStatus = z.output<typeof cacheStatus>;
export type CacheState = (typeof CACHE_STATES)[number];
export type CredentialState = (typeof CREDENTIAL_STATES)[number];
