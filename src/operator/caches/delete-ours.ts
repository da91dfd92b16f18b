import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import { hasOurLabel } from '../render/identity.ts';
import { resourceOf } from '../resources.ts';
import { askerOf } from './standing-objects.ts';

/** A cached read destroys nothing: the object is read anew, and has to be ours still, and of nobody else. */
export async function deleteOurs(
  client: Pick<KubeClient, 'get' | 'delete'>,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  if (object.metadata.deletionTimestamp !== undefined) return;
  const resource = resourceOf(object);
  const now = await find(client, metadataOf(resource), object.metadata, signal);
  if (now === undefined || !hasOurLabel(now.metadata.labels ?? {}) || askerOf(now) !== askerOf(object))
    return;
  const { uid } = now.metadata;
  await client.delete(resource, object.metadata, {
    signal,
    propagationPolicy: 'Background',
    ...(uid !== undefined && { uid }),
  });
}
