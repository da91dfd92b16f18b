import type { KubeClient, KubeObject } from '../../kube/types.ts';
import type { PlannedCache } from '../configs/plan.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { endpointOf } from '../nodes/compose-document.ts';
import type { Watched } from '../cluster/watched.ts';
import { certificateSecretName } from '../render/cache-names.ts';
import { clusterIpOf } from '../nodes/cluster-ip.ts';
import { deleteOurs } from '../ownership/delete-ours.ts';
import { DRAIN_POLL_MS, type DrainTracker } from '../nodes/drain-tracker.ts';
import { objectsOfCache } from '../ownership/existing-objects.ts';

/** While nodes use what is left over: nothing waits for its removal, and each look is one at the whole cache. */
const LOOK_AGAIN_MS = 5_000;

export interface RetireDeps {
  readonly client: Pick<KubeClient, 'get' | 'delete'>;
  readonly watched: Watched;
  readonly document: NodeDocumentView;
  readonly patience: DrainTracker;
}

/**
 * Takes away what stands of a cache and is not among the objects that it consists of now: the Service of a name before, the certificate of a cache
 * that serves no TLS any more. Nodes are told of the address of now first, or of no cache of it, and carry that out. Gives the time until there
 * may be more to do; undefined: nothing is left over.
 */
export function createUnusedRetirer(
  { client, watched, document, patience }: RetireDeps,
  { namespace }: { readonly namespace: string },
) {
  return async function retire(
    planned: PlannedCache,
    objects: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { key, config } = planned;
    const wanted = new Set(objects.map(idOf));
    if (config.http.tls) wanted.add(`Secret ${certificateSecretName(config)}`);
    const leftovers = objectsOfCache(watched, key).filter((object) => !wanted.has(idOf(object)));
    const hasNews = isTold(planned);
    if (leftovers.length === 0 || !hasNews) patience.forget(key);
    if (leftovers.length === 0) return undefined;
    if (!hasNews || patience.undrainedNodes(key, config.upstream).length > 0) return LOOK_AGAIN_MS;
    for (const object of leftovers) await deleteOurs(client, object, signal);
    return DRAIN_POLL_MS;
  };

  /** Whether nodes are told of the address of now, or of none. */
  function isTold(planned: PlannedCache): boolean {
    const { upstream } = planned.config;
    const clusterIP = clusterIpOf(planned, watched, namespace);
    const told = document.current().caches.find((entry) => entry.upstream === upstream)?.endpoint;
    if (told === undefined) return true;
    return clusterIP !== undefined && told === endpointOf(planned.config, clusterIP);
  }
}

function idOf({ kind, metadata: { name } }: KubeObject): string {
  return `${kind} ${name}`;
}
