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

const ENDING = 'its former volume is ending';

export interface OwnClaimDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'delete'>;
  readonly watched: Pick<Watched, 'volumeClaims' | 'statefulSets'>;
}

/**
 * Sees that a cache finds no contents of another's: a claim that was kept, or whose removal has not ended, goes before the StatefulSet comes. Of one
 * that stands the claim is its own, whatever somebody has made that say. What is nobody's of ours is left as it is. Gives what the cache has to
 * wait for, as a sentence; undefined: nothing. Throws {@link NotOwnedError} for one of another that somebody has taken our label off, to keep it.
 */
export function createClaimOwner(
  { client, watched }: OwnClaimDeps,
  { namespace }: { readonly namespace: string },
) {
  return async function ownClaim(planned: PlannedCache, signal: AbortSignal): Promise<string | undefined> {
    const set = { namespace, name: planned.key };
    const claim = await findClaim(planned.key, signal);
    if (claim === undefined || !isOurs(claim)) return undefined;
    if (watched.statefulSets.get(set) !== undefined) {
      await sign(claim, planned, signal);
      return undefined;
    }
    if (isOf(claim, planned)) return claim.metadata.deletionTimestamp === undefined ? undefined : ENDING;
    // Made a moment ago, or without our label: it may use the claim.
    const unseen = await find(client, metadataOf(STATEFUL_SETS), set, signal);
    if (unseen !== undefined && !belongToAnother([unseen], planned)) return undefined;
    if (!hasOurLabel(claim.metadata.labels ?? {})) throw new NotOwnedError(claim);
    if (claim.metadata.deletionTimestamp === undefined)
      await deleteAt(client, VOLUME_CLAIMS, claim.metadata, (now) => !isOf(now, planned), signal);
    return ENDING;
  };

  /** One that is not watched is new, or has lost our label. */
  async function findClaim(key: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const id = { namespace, name: claimName(key) };
    return watched.volumeClaims.get(id) ?? (await find(client, metadataOf(VOLUME_CLAIMS), id, signal));
  }

  /** Makes the claim say whose it is: the template of a StatefulSet that stands cannot. */
  async function sign({ metadata }: KubeObject, planned: PlannedCache, signal: AbortSignal): Promise<void> {
    const { config, owner } = planned;
    const { labels } = cacheNamesOf({ cache: config });
    const annotations = { [UPSTREAM_ANNOTATION]: config.upstream, [OWNER_ANNOTATION]: configId(owner) };
    const isSigned = hasMarks(metadata.annotations, annotations) && hasMarks(metadata.labels, labels);
    if (isSigned || metadata.deletionTimestamp !== undefined) return;
    const { name, uid } = metadata;
    // With its uid: nothing is made where the claim is gone meanwhile.
    const identity = { name, namespace, ...(uid !== undefined && { uid }), labels, annotations };
    const intent = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: identity } as const;
    try {
      await client.apply(VOLUME_CLAIMS, intent, { fieldManager: 'larder/claim', force: true, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** Claims of former versions name their upstream in a label only, in which upstreams with a port may be the same. */
function isOf(claim: KubeObject, { config: { upstream }, owner }: PlannedCache): boolean {
  if (ownerOf(claim) !== configId(owner)) return false;
  const label = claim.metadata.labels?.['upstream-host'];
  const named = upstreamOf(claim);
  return named === undefined ? label === undefined || label === upstreamLabel(upstream) : named === upstream;
}
