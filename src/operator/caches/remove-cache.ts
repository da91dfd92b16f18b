import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { SERVICE_MONITORS } from '../cluster/resources.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import { deleteAt, deleteOurs } from '../ownership/delete-ours.ts';
import { DRAIN_POLL_MS, type DrainTracker } from '../nodes/drain-tracker.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';
import { objectsOfCache, ownerOf, upstreamOf } from '../ownership/existing-objects.ts';

export interface RemoveDeps {
  readonly client: Pick<KubeClient, 'get' | 'delete'>;
  readonly watched: Watched;
  readonly document: NodeDocumentView;
  readonly patience: DrainTracker;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
}

/** What is left to do; undefined: nothing of the cache is left. */
export type Removal = { readonly waitMs: number; readonly why: string } | undefined;

/**
 * Takes away what stands of a cache that nobody, or somebody else, asks for now: first from the nodes, then from the cluster. Its volume
 * goes or stays as the StatefulSet says.
 */
export function createCacheRemover(deps: RemoveDeps, settings: { readonly namespace: string }) {
  const { client, watched, document, patience } = deps;

  return async function remove(key: string, signal: AbortSignal): Promise<Removal> {
    const objects = objectsOfCache(watched, key);
    if (objects.length === 0) {
      patience.forget(key);
      return isEnding(key) ? { waitMs: DRAIN_POLL_MS, why: 'its pod and its volume are ending' } : undefined;
    }
    // Of what goes, which need not be the upstream that comes; one that comes to another key somebody has written.
    const named = new Set(objects.flatMap((object) => upstreamOf(object) ?? []));
    const upstreams = [...named].filter((upstream) => upstreamResourceName(upstream) === key);
    if (upstreams.some((upstream) => document.hasCache(upstream))) {
      patience.forget(key);
      return { waitMs: DRAIN_POLL_MS, why: 'nodes are about to be told' };
    }
    const nodes = new Set(upstreams.flatMap((upstream) => patience.undrainedNodes(key, upstream)));
    if (nodes.size > 0) {
      return { waitMs: DRAIN_POLL_MS, why: `waiting for ${[...nodes].slice(0, 5).join(', ')}` };
    }
    // It is not watched: once the others are gone, nothing tells any more that it is there.
    if (deps.serviceMonitors.isServed()) {
      const place = { namespace: settings.namespace, name: key };
      const askers = new Set(objects.map(ownerOf));
      await deleteAt(client, SERVICE_MONITORS, place, (now) => askers.has(ownerOf(now)), signal);
    }
    for (const object of objects) await deleteOurs(client, object, signal);
    return { waitMs: DRAIN_POLL_MS, why: 'its objects are being removed' };
  };

  /** What goes by itself once the StatefulSet has gone. */
  function isEnding(key: string): boolean {
    return [...watched.pods.byIndex(BY_CACHE, key), ...watched.volumeClaims.byIndex(BY_CACHE, key)].some(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
  }
}
