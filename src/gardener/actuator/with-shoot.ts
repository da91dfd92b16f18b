import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ClosableKubeClient } from '../../kube/client/kube-client.ts';
import type { KubeConnection } from '../../kube/connection/connection.ts';
import { createKubeconfigTextConnection } from '../../kube/connection/kubeconfig-text-connection.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { within } from './within.ts';

/** Secrets of a shoot namespace with kubeconfigs of the shoot's API server, by its address in the seed and by its public one. */
const INTERNAL = 'gardener-internal';
const EXTERNAL = 'gardener';

export type ShootAddress = 'internal' | 'external';

export interface ShootDeps {
  /** Client of the seed. */
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Creates a client, which is closed after use. */
  readonly connect: (connection: KubeConnection) => ClosableKubeClient;
}

export interface ShootOf {
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
  /** The one to prefer: without a Secret for the internal one the external one is taken. */
  readonly address: ShootAddress;
}

/** Runs `work` with a client of the shoot, which is closed afterwards. */
export async function withShoot<T>(
  deps: ShootDeps,
  of: ShootOf,
  work: (shoot: ClosableKubeClient) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const shoot = await within('failed to create shoot client', async () =>
    deps.connect(await shootConnection(deps, of, signal)),
  );
  try {
    return await work(shoot);
  } finally {
    await shoot.close();
  }
}

/** Finds the kubeconfig of a shoot in the seed. Throws if there is none that can be used. */
async function shootConnection(
  deps: ShootDeps,
  { namespace, address }: ShootOf,
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
