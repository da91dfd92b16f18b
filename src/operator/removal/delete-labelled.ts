import { isConflict } from '../../kube/kube-error.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, Resource } from '../../kube/types.ts';
import { OURS } from '../cluster/marks.ts';
import { eachListed } from './each-listed.ts';

/**
 * Deletes the objects of these kinds in the namespace that carry the operator's label, one kind after the other. Objects that are being deleted
 * already are passed over. `onDeleted` gets the metadata of each. Does not wait until they are gone.
 */
export async function deleteLabelled(
  client: Pick<KubeClient, 'list' | 'delete'>,
  { namespace, resources }: { readonly namespace: string; readonly resources: readonly Resource[] },
  onDeleted: (object: KubeObject) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const resource of resources) {
    const remove = async (object: KubeObject): Promise<void> => {
      const { uid, deletionTimestamp } = object.metadata;
      if (deletionTimestamp !== undefined) return;
      try {
        // With the uid: an object that replaced it meanwhile is not ours. The answer may be the object, so it is asked for as metadata.
        const options = {
          signal,
          propagationPolicy: 'Background',
          ...(uid !== undefined && { uid }),
        } as const;
        await client.delete(metadataOf(resource), object.metadata, options);
      } catch (error) {
        if (isConflict(error)) return;
        throw error;
      }
      onDeleted(object);
    };
    await eachListed(client, resource, { namespace, labelSelector: OURS }, remove, signal);
  }
}
