import { createHash } from 'node:crypto';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { PODS, type Pod } from '../cluster/resources.ts';

/** Of a pod: what its mounted files should be. */
const FILES = 'larder/files';

/** What `contents` amount to; changes with every one of them, and tells nothing of them. */
export function filesMark(contents: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 16);
}

/**
 * Marks pods with `mark`. A kubelet looks at the Secrets and ConfigMaps of a pod when the pod changes, and otherwise once in 60 to 90 s
 * (https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically): so a rotated
 * Secret is in place within a second or two. The template stays as it is, and nothing is restarted.
 */
export async function refreshPods(
  client: Pick<KubeClient, 'apply'>,
  pods: readonly Pod[],
  mark: string,
  signal: AbortSignal,
): Promise<void> {
  for (const { apiVersion, kind, metadata } of pods) {
    if (metadata.annotations?.[FILES] === mark || metadata.deletionTimestamp !== undefined) continue;
    const { name, namespace, uid } = metadata;
    // With its uid: nothing is made where the pod is gone meanwhile.
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
