import type { KubeClient } from '../../kube/types.ts';
import type { ShootAddress, ShootDeps } from '../actuator/with-shoot.ts';
import type { Turns } from './turns.ts';

export interface ReplicationDeps extends ShootDeps {
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
