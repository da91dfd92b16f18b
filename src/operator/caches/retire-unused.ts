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

/** While nodes use the unused objects. Nothing waits for their deletion, and each look repeats the whole reconcile. */
const LOOK_AGAIN_MS = 5_000;

export interface UnusedRetirerDeps {
  readonly client: Pick<KubeClient, 'get' | 'delete'>;
  readonly watched: Watched;
  readonly document: NodeDocumentView;
  readonly drain: DrainTracker;
}

/**
 * Deletes objects that a cache does not need: a Service under its former name, or the certificate of a cache without TLS. Before that the
 * node document has the current address, or no cache of the upstream, and the nodes have carried it out. Returns the time until the next
 * look; undefined if no unused object is left.
 */
export function createUnusedRetirer(
  { client, watched, document, drain }: UnusedRetirerDeps,
  { namespace }: { readonly namespace: string },
) {
  return async function retireUnused(
    planned: PlannedCache,
    objects: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { key, config } = planned;
    const wanted = new Set(objects.map(idOf));
    if (config.http.tls) wanted.add(`Secret ${certificateSecretName(config)}`);
    const unused = objectsOfCache(watched, key).filter((object) => !wanted.has(idOf(object)));
    const isPublished = isCurrentPublished(planned);
    if (unused.length === 0 || !isPublished) drain.forget(key);
    if (unused.length === 0) return undefined;
    if (!isPublished || drain.undrainedNodes(key, config.upstream).length > 0) return LOOK_AGAIN_MS;
    for (const object of unused) await deleteOurs(client, object, signal);
    return DRAIN_POLL_MS;
  };

  /** True if the node document has the current address, or none. */
  function isCurrentPublished(planned: PlannedCache): boolean {
    const { upstream } = planned.config;
    const clusterIP = clusterIpOf(planned, watched, namespace);
    const published = document.current().caches.find((entry) => entry.upstream === upstream)?.endpoint;
    if (published === undefined) return true;
    return clusterIP !== undefined && published === endpointOf(planned.config, clusterIP);
  }
}

function idOf({ kind, metadata: { name } }: KubeObject): string {
  return `${kind} ${name}`;
}
