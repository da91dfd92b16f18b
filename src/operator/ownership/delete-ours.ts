import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ObjectKey, Resource } from '../../kube/types.ts';
import { hasOurLabel } from '../cluster/marks.ts';
import { resourceOf } from '../cluster/resources.ts';
import { askerOf, upstreamOf } from './existing-objects.ts';

type Client = Pick<KubeClient, 'get' | 'delete'>;

/** Deletes what was observed, as {@link deleteAt} does: not what has come in its place, or has become another's. */
export async function deleteOurs(client: Client, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) return;
  const isSame = (now: KubeObject): boolean =>
    now.metadata.uid === metadata.uid &&
    askerOf(now) === askerOf(object) &&
    upstreamOf(now) === upstreamOf(object);
  await deleteAt(client, resourceOf(object), metadata, isSame, signal);
}

/** A cached read destroys nothing: what is there is read anew, and has to be ours still, and what `isMeant`. */
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
