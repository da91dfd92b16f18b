import { find } from '../../kube/objects/find.ts';
import type { Intent, KubeClient } from '../../kube/types.ts';
import { formatNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { NODES_CONFIG_MAP, NODES_KEY } from '../../fleet/nodes-config-map.ts';
import { hasOurLabel, MANAGED_BY } from '../cluster/marks.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';

/** What nodes are told, as the object that tells them: complete, to be applied. */
export function nodesObject(document: NodeDocument, namespace: string): Intent<ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: NODES_CONFIG_MAP, labels: MANAGED_BY },
    data: { [NODES_KEY]: formatNodeDocument(document) },
  };
}

/**
 * Reads what is there instead of it. Ours is what has our label, and what has only lost that: nodes carry out whatever the key says. Throws
 * {@link NotOwnedError} for anything else, and as {@link KubeClient.get}.
 */
export async function assertNodesObjectIsOurs(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await find(client, CONFIG_MAPS, { namespace, name: NODES_CONFIG_MAP }, signal);
  if (found === undefined || hasOurLabel(found.metadata.labels ?? {})) return;
  if (found.data?.[NODES_KEY] === undefined) throw new NotOwnedError(found);
}
