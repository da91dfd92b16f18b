import type { CacheDocument } from '../../api/registry-config/schema.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ClosableKubeClient } from '../../kube/client/kube-client.ts';
import type { KubeConnection } from '../../kube/connection/connection.ts';
import { createKubeconfigTextConnection } from '../../kube/connection/kubeconfig-text-connection.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS, SERVICES } from '../../operator/cluster/resources.ts';
import { cacheServices, SERVICES_QUERY, type CacheService } from '../caches/cache-services.ts';
import { within } from './within.ts';

/** Secrets of a shoot namespace with kubeconfigs of the shoot's API server, by its address in the seed and by its public one. */
const INTERNAL = 'gardener-internal';
const EXTERNAL = 'gardener';

export type ShootAddress = 'internal' | 'external';

export interface ShootServicesDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Creates a client, which is closed after use. */
  readonly connect: (connection: KubeConnection) => ClosableKubeClient;
}

/**
 * Reads the Services of the caches from the shoot, through a client of its own that is closed afterwards. `address` is the one to prefer: without
 * a Secret for the internal one the external one is taken.
 */
export async function readShootServices(
  deps: ShootServicesDeps,
  { namespace, address, caches }: ShootServicesOptions,
  signal: AbortSignal,
): Promise<readonly CacheService[]> {
  const shoot = await within('failed to create shoot client', async () =>
    deps.connect(await shootConnection(deps, { namespace, address }, signal)),
  );
  try {
    const { items } = await within('failed to read services from shoot', () =>
      shoot.list(SERVICES, SERVICES_QUERY, { signal }),
    );
    return cacheServices(items, caches);
  } finally {
    await shoot.close();
  }
}

export interface ShootServicesOptions {
  readonly namespace: string;
  readonly address: ShootAddress;
  readonly caches: readonly CacheDocument[];
}

/** Finds the kubeconfig of a shoot in the seed. Throws if there is none that can be used. */
export async function shootConnection(
  deps: ShootServicesDeps,
  { namespace, address }: Pick<ShootServicesOptions, 'namespace' | 'address'>,
  signal: AbortSignal,
): Promise<KubeConnection> {
  const { client } = deps;
  const internal =
    address === 'internal' ? await find(client, SECRETS, { namespace, name: INTERNAL }, signal) : undefined;
  const { metadata, data } =
    internal ?? (await client.get(SECRETS, { namespace, name: EXTERNAL }, { signal }));
  const source = `Secret ${namespace}/${metadata.name}`;
  const base64 = data?.['kubeconfig'];
  if (base64 === undefined)
    throw new LarderError('KUBE_CONNECTION_INVALID', `${source} has no key kubeconfig`);
  const text = Buffer.from(base64, 'base64').toString('utf8');
  return createKubeconfigTextConnection(deps, { text, source }, signal);
}
