import { z } from 'zod';
import { goQuote } from '../../kit/document/go-quote.ts';
import { goList, goStruct, goText, unmarshalText } from '../shoots/go-fields.ts';
import { SHOOT_RESOURCES } from '../shoots/shoot-resources.ts';
import { Denial } from '../webhook/denial.ts';

/** A Shoot, as far as the validators look at it, with the defaults of `core.gardener.cloud/v1beta1`. */
export type Shoot = z.output<typeof SHOOT>;

/**
 * Reads a Shoot. Fields that it does not know are left alone, because newer versions of Gardener have more. `what` begins the message, such
 * as "could not decode request". Throws a {@link Denial} of code 400 in the words of the Gardener extension.
 */
export function readShoot(object: unknown, what: string): Shoot {
  const { apiVersion, kind } = TYPE.safeParse(object).data ?? {};
  if (apiVersion !== API_VERSION || kind !== KIND) {
    const type = `no kind ${goQuote(kind ?? '')} is registered for version ${goQuote(apiVersion ?? '')}`;
    throw new Denial(`${what}: ${type}`, 400);
  }
  const shoot = SHOOT.safeParse(object);
  if (shoot.success) return shoot.data;
  throw new Denial(`${what}: ${unmarshalText(object, shoot.error)}`, 400);
}

const API_VERSION = 'core.gardener.cloud/v1beta1';
const KIND = 'Shoot';

const TYPE = z.object({
  apiVersion: z.string().optional().catch(undefined),
  kind: z.string().optional().catch(undefined),
});

const EXTENSION = goStruct('ShootSpec.spec.extensions of type v1beta1.Extension', {
  type: goText('Extension.spec.extensions.type of type string'),
  providerConfig: z.unknown().optional(),
});

/** The runtime of a worker pool without `cri` is containerd. */
const WORKER = goStruct('Provider.spec.provider.workers of type v1beta1.Worker', {
  cri: z.preprocess(
    (value) => value ?? { name: 'containerd' },
    z.object(
      { name: goText('CRI.spec.provider.workers.cri.name of type v1beta1.CRIName') },
      'Worker.spec.provider.workers.cri of type v1beta1.CRI',
    ),
  ),
});

const SHOOT = z.object(
  {
    metadata: goStruct('Shoot.metadata of type v1.ObjectMeta', {
      namespace: goText('ObjectMeta.metadata.namespace of type string'),
    }),
    spec: goStruct('Shoot.spec of type v1beta1.ShootSpec', {
      extensions: goList('ShootSpec.spec.extensions of type []v1beta1.Extension', EXTENSION),
      resources: SHOOT_RESOURCES,
      provider: goStruct('ShootSpec.spec.provider of type v1beta1.Provider', {
        workers: goList('Provider.spec.provider.workers of type []v1beta1.Worker', WORKER),
      }),
      kubernetes: goStruct('ShootSpec.spec.kubernetes of type v1beta1.Kubernetes', {
        version: goText('Kubernetes.spec.kubernetes.version of type string'),
      }),
    }),
  },
  'Shoot of type v1beta1.Shoot',
);
