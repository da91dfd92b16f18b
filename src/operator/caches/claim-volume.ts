import { upstreamLabel } from '../../api/rules/upstream-names.ts';
import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import { configId } from '../cluster/config-id.ts';
import type { PlannedCache } from '../configs/plan.ts';
import { OWNER_ANNOTATION, hasMarks, hasOurLabel, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { cacheNamesOf } from '../render/cache-names.ts';
import { claimName } from '../render/stateful-set.ts';
import { VOLUME_CLAIMS, STATEFUL_SETS } from '../cluster/resources.ts';
import { NotOwnedError } from '../ownership/not-owned-error.ts';
import type { Watched } from '../cluster/watched.ts';
import { deleteAt } from '../ownership/delete-ours.ts';
import { ownerOf, belongToAnother, isOurs, upstreamOf } from '../ownership/existing-objects.ts';
import type { Wait } from './wait.ts';

const ENDING: Wait = { waitMs: 1000, why: 'its former volume is being deleted' };

export interface VolumeClaimerDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'delete'>;
  readonly watched: Pick<Watched, 'volumeClaims' | 'statefulSets'>;
}

/**
 * Makes sure that a cache never mounts the content of another one. A kept claim of another cache, or one that is still being deleted, goes
 * before the StatefulSet is created. If the StatefulSet exists, the claim belongs to it, whatever its annotations say. A claim that Larder
 * did not make is left as it is. Throws {@link NotOwnedError} for a claim of another cache whose label an administrator removed to keep it.
 */
export function createVolumeClaimer(
  { client, watched }: VolumeClaimerDeps,
  { namespace }: { readonly namespace: string },
) {
  return async function claimVolume(planned: PlannedCache, signal: AbortSignal): Promise<Wait | undefined> {
    const set = { namespace, name: planned.key };
    const claim = await findClaim(planned.key, signal);
    if (claim === undefined || !isOurs(claim)) return undefined;
    if (watched.statefulSets.get(set) !== undefined) {
      await sign(claim, planned, signal);
      return undefined;
    }
    if (isOf(claim, planned)) return claim.metadata.deletionTimestamp === undefined ? undefined : ENDING;
    // A StatefulSet made a moment ago, or without our label, is not watched but may use the claim.
    const unseen = await find(client, metadataOf(STATEFUL_SETS), set, signal);
    if (unseen !== undefined && !belongToAnother([unseen], planned)) return undefined;
    if (!hasOurLabel(claim.metadata.labels ?? {})) throw new NotOwnedError(claim);
    if (claim.metadata.deletionTimestamp === undefined)
      await deleteAt(client, VOLUME_CLAIMS, claim.metadata, (now) => !isOf(now, planned), signal);
    return ENDING;
  };

  /** Asks the API server for a claim that is not watched: it may be new, or have lost our label. */
  async function findClaim(key: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const id = { namespace, name: claimName(key) };
    return watched.volumeClaims.get(id) ?? (await find(client, metadataOf(VOLUME_CLAIMS), id, signal));
  }

  /** Marks the claim with its owner. The template of an existing StatefulSet cannot change. */
  async function sign({ metadata }: KubeObject, planned: PlannedCache, signal: AbortSignal): Promise<void> {
    const { config, owner } = planned;
    const { labels } = cacheNamesOf({ cache: config });
    const annotations = { [UPSTREAM_ANNOTATION]: config.upstream, [OWNER_ANNOTATION]: configId(owner) };
    const isSigned = hasMarks(metadata.annotations, annotations) && hasMarks(metadata.labels, labels);
    if (isSigned || metadata.deletionTimestamp !== undefined) return;
    const { name, uid } = metadata;
    // With the uid, the apply creates nothing if the claim is gone.
    const identity = { name, namespace, ...(uid !== undefined && { uid }), labels, annotations };
    const intent = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: identity } as const;
    try {
      await client.apply(VOLUME_CLAIMS, intent, { fieldManager: 'larder/claim', force: true, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** Claims of former versions name their upstream only in a label, where `a:5000` and `a-5000` are the same. */
function isOf(claim: KubeObject, { config: { upstream }, owner }: PlannedCache): boolean {
  if (ownerOf(claim) !== configId(owner)) return false;
  const label = claim.metadata.labels?.['upstream-host'];
  const named = upstreamOf(claim);
  return named === undefined ? label === undefined || label === upstreamLabel(upstream) : named === upstream;
}
