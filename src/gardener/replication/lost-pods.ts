import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient } from '../../kube/types.ts';
import { OURS } from '../../operator/cluster/marks.ts';
import { NODES, PODS } from '../../operator/cluster/resources.ts';
import { eachListed } from '../../operator/removal/each-listed.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';

/** Pods of caches; pods of operator and node agents, by a label of the chart. */
const SELECTORS = [OURS, 'app.kubernetes.io/name=larder'];

/**
 * If the shoot has no Node: deletes those of our pods at once that are being deleted. No kubelet confirms their end, and as long as they exist their
 * claims, workloads and the namespace do. While there are Nodes this is left to the control plane, which does so for pods of a Node that is gone after
 * 40 to 60 s (kube-controller-manager, `podgc`).
 */
export async function deleteLostPods(
  client: Pick<KubeClient, 'list' | 'delete'>,
  signal: AbortSignal,
): Promise<void> {
  if (await hasNodes(client, signal)) return;
  for (const labelSelector of SELECTORS) {
    await eachListed(
      client,
      PODS,
      { namespace: LARDER_NAMESPACE, labelSelector },
      async ({ metadata }) => {
        const { uid, deletionTimestamp } = metadata;
        if (deletionTimestamp === undefined || uid === undefined) return;
        await client.delete(metadataOf(PODS), metadata, { signal, uid, gracePeriodSeconds: 0 });
      },
      signal,
    );
  }
}

export async function hasNodes(client: Pick<KubeClient, 'list'>, signal: AbortSignal): Promise<boolean> {
  const { items } = await client.list(metadataOf(NODES), { page: { limit: 1 } }, { signal });
  return items.length > 0;
}
