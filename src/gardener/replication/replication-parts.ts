import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ClosableKubeClient } from '../../kube/client/kube-client.ts';
import type { KubeClient } from '../../kube/types.ts';
import { shootConnection, type ShootAddress, type ShootServicesDeps } from '../actuator/shoot-services.ts';
import { within } from '../actuator/within.ts';
import type { Turns } from './turns.ts';

export interface ReplicationDeps extends ShootServicesDeps {
  /** Client of the seed. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'patch' | 'mergePatch' | 'delete'>;
  /** Works on one shoot take turns, whichever Extension they are for: the later one knows what the earlier one knew. */
  readonly turns: Turns;
}

export interface ReplicationSettings {
  /** Image of operator, node agents and caches. Throws `CONFIG_INVALID` if none is known. */
  readonly image: () => string;
  readonly shootAddress: ShootAddress;
}

/** Removes from a shoot and its namespace in the seed all that replication has brought. May be repeated; each call goes on where another has ended. */
export type TakeDown = (
  deps: {
    readonly seed: ReplicationDeps['client'];
    readonly shoot: KubeClient;
    readonly clock: Clock;
    readonly logger: Logger;
  },
  options: { readonly namespace: string },
  signal: AbortSignal,
) => Promise<void>;

/** Runs `work` with a client of the shoot, which is closed afterwards. */
export async function withShoot<T>(
  deps: ShootServicesDeps,
  of: { readonly namespace: string; readonly address: ShootAddress },
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
