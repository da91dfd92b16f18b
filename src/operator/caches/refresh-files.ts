import { createHash } from 'node:crypto';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { PODS, type Pod } from '../cluster/resources.ts';

/** Annotation of a pod: fingerprint of the files it should have mounted. */
const FILES = 'larder/files';

/**
 * Annotates pods with a fingerprint of the `files` they mount, so that a rotated Secret is in place within a second or two. A kubelet looks
 * at the Secrets and ConfigMaps of a pod when the pod changes, and otherwise once in 60 to 90 s
 * (https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically). The template stays as it is,
 * and nothing is restarted.
 */
export async function refreshFiles(
  client: Pick<KubeClient, 'apply'>,
  pods: readonly Pod[],
  files: readonly unknown[],
  signal: AbortSignal,
): Promise<void> {
  const mark = markOf(files);
  for (const { apiVersion, kind, metadata } of pods) {
    if (metadata.annotations?.[FILES] === mark || metadata.deletionTimestamp !== undefined) continue;
    const { name, namespace, uid } = metadata;
    // With the uid, the apply creates nothing if the pod is gone.
    const identity = {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      annotations: { [FILES]: mark },
    };
    const options = { fieldManager: 'larder/files', force: true, signal };
    try {
      await client.apply(PODS, { apiVersion, kind, metadata: identity }, options);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** Fingerprint of `contents`; reveals nothing of them. */
function markOf(contents: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 16);
}
