import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ObjectKey, Resource } from '../../kube/types.ts';
import { hasOurLabel } from '../render/identity.ts';
import { resourceOf } from '../resources.ts';
import { askerOf } from './standing-objects.ts';

type Client = Pick<KubeClient, 'get' | 'delete'>;

/** Deletes what was observed, as {@link deleteAt} does. */
export async function deleteOurs(client: Client, object: KubeObject, signal: AbortSignal): Promise<void> {
  if (object.metadata.deletionTimestamp !== undefined) return;
  await deleteAt(client, resourceOf(object), object.metadata, new Set([askerOf(object)]), signal);
}

/** A cached read destroys nothing: what is there is read anew, and has to be ours still, and one of `askers`'. */
export async function deleteAt(
  client: Client,
  resource: Resource,
  place: ObjectKey,
  askers: ReadonlySet<ReturnType<typeof askerOf>>,
  signal: AbortSignal,
): Promise<void> {
  const now = await find(client, metadataOf(resource), place, signal);
  if (now === undefined || !hasOurLabel(now.metadata.labels ?? {}) || !askers.has(askerOf(now))) return;
  const { uid } = now.metadata;
  await client.delete(resource, place, {
    signal,
    propagationPolicy: 'Background',
    ...(uid !== undefined && { uid }),
  });
}
