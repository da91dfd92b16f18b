import { isNotFound } from '../../kube/kube-error.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient, ObjectKey } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { MANAGED_RESOURCES } from '../managed-resources/managed-resource.ts';
import { within } from './within.ts';

/**
 * Deletes a ManagedResource, and before it the Secrets that it leads to: gardener-resource-manager keeps both until the objects in the shoot are
 * gone. With `keepsObjects` those stay. Does not wait.
 */
export async function removeComponent(
  client: Pick<KubeClient, 'get' | 'mergePatch' | 'delete'>,
  { namespace, name }: Required<ObjectKey>,
  { keepsObjects }: { readonly keepsObjects: boolean },
  signal: AbortSignal,
): Promise<void> {
  const key = { namespace, name };
  if (keepsObjects) {
    await within('failed to set keep objects to managed resource', () => keepObjects(client, key, signal));
  }
  await within('failed to delete managed resource', async () => {
    const found = await find(client, MANAGED_RESOURCES, key, signal);
    if (found === undefined) return;
    for (const { name: secret } of found.spec.secretRefs) {
      await client.delete(SECRETS, { namespace, name: secret }, { signal });
    }
    await client.delete(MANAGED_RESOURCES, key, { signal });
  });
}

async function keepObjects(
  client: Pick<KubeClient, 'mergePatch'>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.mergePatch(MANAGED_RESOURCES, key, { spec: { keepObjects: true } }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
