import { find } from '../../kube/objects/find.ts';
import type { Intent, KubeClient } from '../../kube/types.ts';
import { formatNodeDocument, type NodeDocument } from '../../fleet/node-document.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { NODES_CONFIG_MAP, NODES_KEY } from '../../fleet/nodes-config-map.ts';
import { hasOurLabel, MANAGED_BY } from '../cluster/marks.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';

/** Renders the ConfigMap of the node document for server-side apply, with `labels` beside our own. */
export function nodesObject(
  document: NodeDocument,
  namespace: string,
  labels: Readonly<Record<string, string>> = {},
): Intent<ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: NODES_CONFIG_MAP, labels: { ...labels, ...MANAGED_BY } },
    data: { [NODES_KEY]: formatNodeDocument(document) },
  };
}

/**
 * Reads an existing ConfigMap of that name from the API server. It is ours if it has our label, or at least the key of the document, because
 * nodes follow that key in any case. Throws {@link NotOwnedError} otherwise, and like {@link KubeClient.get}.
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
