import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ObjectKey, Resource } from '../../kube/types.ts';
import { hasOurLabel } from '../cluster/marks.ts';
import { resourceOf } from '../render/rendered-resources.ts';
import { ownerOf, upstreamOf } from './existing-objects.ts';

type Client = Pick<KubeClient, 'get' | 'delete'>;

/** Deletes an observed object. Does nothing if it was replaced, or has another owner or upstream, since. See {@link deleteAt}. */
export async function deleteOurs(client: Client, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) return;
  const isSame = (now: KubeObject): boolean =>
    now.metadata.uid === metadata.uid &&
    ownerOf(now) === ownerOf(object) &&
    upstreamOf(now) === upstreamOf(object);
  await deleteAt(client, resourceOf(object), metadata, isSame, signal);
}

/**
 * Reads the object from the API server, never from a store, and deletes it only if it still has our label and `isMeant` accepts it. Does
 * nothing otherwise.
 */
export async function deleteAt(
  client: Client,
  resource: Resource,
  place: ObjectKey,
  isMeant: (now: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const now = await find(client, metadataOf(resource), place, signal);
  if (now === undefined || !hasOurLabel(now.metadata.labels ?? {}) || !isMeant(now)) return;
  const { uid } = now.metadata;
  await client.delete(resource, place, {
    signal,
    propagationPolicy: 'Background',
    ...(uid !== undefined && { uid }),
  });
}
