import type { Clock } from '../../kit/clock.ts';
import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, ObjectKey, Resource } from '../../kube/types.ts';
import { nodesStillUsing } from '../nodes/node-report.ts';
import type { NodeDocumentView } from '../nodes/node-document-view.ts';
import { hasOurLabel, UPSTREAM } from '../render/identity.ts';
import { resourceOf, SERVICE_MONITORS } from '../resources.ts';
import { BY_CACHE, type Watched } from '../watched.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';
import { allStanding, askerOf } from './standing-objects.ts';

/** A node that has not carried out a change for this long is not waited for: whatever it does, it asks the origin then. */
export const SILENT_MS = 5 * 60_000;
/** While nodes are waited for; costs the API server nothing. */
const ASK_AGAIN_MS = 500;

export interface RemoveDeps {
  readonly client: Pick<KubeClient, 'get' | 'delete'>;
  readonly clock: Clock;
  readonly watched: Watched;
  readonly document: NodeDocumentView;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
}

/** What is left to do; undefined: nothing of the cache is left. */
export type Removal = { readonly waitMs: number; readonly why: string } | undefined;

/**
 * Takes away what stands of a cache that nobody, or somebody else, asks for now: first from the nodes, then from the cluster. Its volume
 * goes or stays as the StatefulSet says.
 */
export function createCacheRemover(deps: RemoveDeps, settings: { readonly namespace: string }) {
  const { client, clock, watched, document } = deps;
  /** When nodes were asked to forget an upstream, by the cache's key; of the monotonic clock. */
  const since = new Map<string, number>();

  return async function remove(key: string, signal: AbortSignal): Promise<Removal> {
    const objects = allStanding(watched, key);
    if (objects.length === 0) {
      since.delete(key);
      return isEnding(key) ? { waitMs: ASK_AGAIN_MS, why: 'its pod and its volume are ending' } : undefined;
    }
    const upstream = objects.find(({ metadata }) => metadata.annotations?.[UPSTREAM])?.metadata.annotations?.[
      UPSTREAM
    ];
    if (upstream !== undefined) {
      if (document.hasCache(upstream)) {
        return { waitMs: ASK_AGAIN_MS, why: 'nodes are about to be told' };
      }
      const startedAt = since.get(key) ?? clock.monotonic();
      since.set(key, startedAt);
      const nodes = nodesStillUsing(watched.reports.list(), upstream, document.current().revision);
      if (nodes.length > 0 && clock.monotonic() < startedAt + SILENT_MS) {
        return { waitMs: ASK_AGAIN_MS, why: `waiting for ${nodes.slice(0, 5).join(', ')}` };
      }
    }
    const askers = new Set(objects.map(askerOf));
    // It is not watched: once the others are gone, nothing tells any more that it is there.
    if (deps.serviceMonitors.isServed())
      await removeOne(SERVICE_MONITORS, { namespace: settings.namespace, name: key }, askers, signal);
    for (const object of objects)
      if (object.metadata.deletionTimestamp === undefined)
        await removeOne(resourceOf(object), object.metadata, new Set([askerOf(object)]), signal);
    return { waitMs: ASK_AGAIN_MS, why: 'its objects are being removed' };
  };

  /** A cached read destroys nothing: the object is read anew, and has to be ours still, and one of `askers`'. */
  async function removeOne(
    resource: Resource,
    object: ObjectKey,
    askers: ReadonlySet<string | undefined>,
    signal: AbortSignal,
  ): Promise<void> {
    const now = await find(client, metadataOf(resource), object, signal);
    if (now === undefined || !hasOurLabel(now.metadata.labels ?? {}) || !askers.has(askerOf(now))) return;
    const { uid } = now.metadata;
    await client.delete(resource, object, {
      signal,
      propagationPolicy: 'Background',
      ...(uid !== undefined && { uid }),
    });
  }

  /** What goes by itself once the StatefulSet has gone. */
  function isEnding(key: string): boolean {
    return [...watched.pods.byIndex(BY_CACHE, key), ...watched.claims.byIndex(BY_CACHE, key)].some(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
  }
}
