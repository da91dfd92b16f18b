import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { SERVICE_MONITORS } from '../cluster/resources.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import { deleteAt, deleteOurs } from '../ownership/delete-ours.ts';
import { DRAIN_POLL_MS, type DrainTracker } from '../nodes/drain-tracker.ts';
import { objectsOfCache, ownerOf, upstreamOf } from '../ownership/existing-objects.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';
import type { Wait } from './wait.ts';

export interface CacheRemoverDeps {
  readonly client: Pick<KubeClient, 'get' | 'delete'>;
  readonly watched: Watched;
  readonly document: NodeDocumentView;
  readonly drain: DrainTracker;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
}

/**
 * Removes a cache that is not planned, or is planned for another owner: first from the nodes, then from the cluster. The StatefulSet decides
 * whether its volume is deleted. Returns undefined once nothing is left.
 */
export function createCacheRemover(deps: CacheRemoverDeps, settings: { readonly namespace: string }) {
  const { client, watched, document, drain } = deps;

  return async function removeCache(key: string, signal: AbortSignal): Promise<Wait | undefined> {
    const objects = objectsOfCache(watched, key);
    if (objects.length === 0) {
      drain.forget(key);
      return isEnding(key)
        ? { waitMs: DRAIN_POLL_MS, why: 'its former pod and volume are being deleted' }
        : undefined;
    }
    // The upstreams that the objects name, which may differ from the planned one. An upstream with another key was edited in by hand.
    const named = new Set(objects.flatMap((object) => upstreamOf(object) ?? []));
    const upstreams = [...named].filter((upstream) => upstreamResourceName(upstream) === key);
    if (upstreams.some((upstream) => document.hasCache(upstream))) {
      drain.forget(key);
      return { waitMs: DRAIN_POLL_MS, why: 'the node document still has the former cache' };
    }
    const nodes = new Set(upstreams.flatMap((upstream) => drain.undrainedNodes(key, upstream)));
    if (nodes.size > 0) {
      return {
        waitMs: DRAIN_POLL_MS,
        why: `nodes still use the former cache: ${[...nodes].slice(0, 5).join(', ')}`,
      };
    }
    // Deleted first, because it is not watched: nothing would show that it remains once the other objects are gone.
    if (deps.serviceMonitors.isServed()) {
      const place = { namespace: settings.namespace, name: key };
      const owners = new Set(objects.map(ownerOf));
      await deleteAt(client, SERVICE_MONITORS, place, (now) => owners.has(ownerOf(now)), signal);
    }
    for (const object of objects) await deleteOurs(client, object, signal);
    return { waitMs: DRAIN_POLL_MS, why: 'its former objects are being deleted' };
  };

  /** True while a pod or claim is being deleted, as Kubernetes does by itself once the StatefulSet is gone. */
  function isEnding(key: string): boolean {
    return [...watched.pods.byIndex(BY_CACHE, key), ...watched.volumeClaims.byIndex(BY_CACHE, key)].some(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
  }
}
