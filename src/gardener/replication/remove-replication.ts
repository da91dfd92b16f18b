import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { removeComponent } from '../actuator/remove-component.ts';
import { untilGone, type WaitDeps } from '../actuator/wait-for-resource.ts';
import { within } from '../actuator/within.ts';
import { MANAGED_RESOURCES } from '../managed-resources/managed-resource.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from './shoot-place.ts';

export interface RemoveReplicationDeps extends WaitDeps {
  readonly client: Pick<KubeClient, 'get' | 'mergePatch' | 'delete'>;
}

/** Lists the ManagedResources of replication that a shoot has in the seed, those that are being deleted included. */
export async function deployedReplication(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await Promise.all(
    [OPERATOR_COMPONENT, SHOOT_COMPONENT].map((name) =>
      find(client, MANAGED_RESOURCES, { namespace, name }, signal),
    ),
  );
  return found.flatMap((one) => (one === undefined ? [] : [one.metadata.name]));
}

/** `from this seed only`: what runs in the shoot stays, for another seed. */
export type ReplicationRemoval = 'all without waiting' | 'from this seed only';

/** Deletes both ManagedResources, that of the operator first, without a call to the shoot. Each is waited for up to two minutes. */
export async function removeReplication(
  deps: RemoveReplicationDeps,
  namespace: string,
  removal: ReplicationRemoval,
  signal: AbortSignal,
): Promise<void> {
  const { client } = deps;
  const keepsObjects = removal === 'from this seed only';
  for (const name of await deployedReplication(client, namespace, signal)) {
    await within(`failed to destroy ${name}`, async () => {
      await removeComponent(client, { namespace, name }, { keepsObjects }, signal);
      if (removal !== 'all without waiting') await untilGone(deps, { namespace, name }, signal);
    });
  }
}
