import { errorText } from '../../kit/errors.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import type { AuthorityKeeper } from '../authority/authority-keeper.ts';
import type { Authority } from '../authority/authority-state.ts';
import type { Plan, PlannedCache } from '../configs/plan.ts';
import { NOT_OWNED_RETRY_MS, NotOwnedError } from '../ownership/not-owned-error.ts';
import type { Watched } from '../cluster/watched.ts';
import type { KnownCacheState, CacheStates } from './cache-states.ts';
import { NAME_TAKEN_RETRY_MS, NameTakenError } from '../ownership/name-taken-error.ts';
import { createClaimOwner } from './claim-volume.ts';
import type { Provided } from './provide-cache.ts';
import type { Removal } from './remove-cache.ts';
import { objectsOfCache, ownerOf, belongToAnother } from '../ownership/existing-objects.ts';

/** Certificates are renewed with days to spare, so an hour is early enough to see that one is due. */
const LOOK_AGAIN_MS = 3600_000;
/** A claim that could not grow: what stood in the way, a StorageClass or a quota, is not watched. */
const GROW_AGAIN_MS = 60_000;

export interface CacheReconcilerDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'delete'>;
  readonly watched: Watched;
  readonly plan: () => Plan;
  readonly authority: Pick<AuthorityKeeper, 'current' | 'problem'>;
  readonly facts: CacheStates;
  readonly provide: (planned: PlannedCache, authority: Authority, signal: AbortSignal) => Promise<Provided>;
  /** Of what is not part of a cache any more: see `createUnusedRetirer`. */
  readonly retire: (
    planned: PlannedCache,
    objects: readonly KubeObject[],
    signal: AbortSignal,
  ) => Promise<number | undefined>;
  /** Of a cache that stands and of which nobody knows how it was configured. */
  readonly renewCertificate: (key: string, authority: Authority, signal: AbortSignal) => Promise<void>;
  readonly remove: (key: string, signal: AbortSignal) => Promise<Removal>;
}

/**
 * Makes what the cluster has of one cache what the plan says. A cache that another object asked for before, or the same one for another
 * upstream, is taken away first, with its contents: who may have them was settled by the credentials of then.
 */
export function createCacheReconciler(
  deps: CacheReconcilerDeps,
  options: { readonly namespace: string },
): Reconcile {
  const { watched, facts } = deps;
  const ownClaim = createClaimOwner(deps, options);
  return async (key, { signal, logger }) => {
    const plan = deps.plan();
    const planned = plan.caches.get(key);
    const objects = objectsOfCache(watched, key);
    // Its object has become invalid, and how it was configured before cannot be read any more: all stays but what ends by itself.
    if (planned === undefined && objects.some((one) => plan.isInvalid(ownerOf(one) ?? ''))) {
      const authority = deps.authority.current();
      if (authority === undefined) return { requeueAfterMs: 1000 };
      await deps.renewCertificate(key, authority, signal);
      return { requeueAfterMs: LOOK_AGAIN_MS };
    }
    // Also when nothing stands: what it consisted of before may be ending.
    if (planned === undefined || objects.length === 0 || belongToAnother(objects, planned)) {
      const removal = await deps.remove(key, signal);
      if (planned === undefined) facts.set(key, undefined);
      if (removal !== undefined) {
        if (planned !== undefined && objects.length === 0) setProblem(key, removal.why);
        logger.debug('a cache is being removed', { why: removal.why });
        return { requeueAfterMs: removal.waitMs };
      }
      if (planned === undefined) return 'done';
    }
    const authority = deps.authority.current();
    const problem = deps.authority.problem();
    if (authority === undefined && problem !== undefined) setProblem(key, problem);
    // Its coming is a change that brings this here again.
    if (authority === undefined) return { requeueAfterMs: 1000 };
    try {
      const ending = await ownClaim(planned, signal);
      if (ending !== undefined) {
        setProblem(key, ending);
        return { requeueAfterMs: 1000 };
      }
      const provided = await deps.provide(planned, authority, signal);
      facts.set(key, provided.facts);
      const retireMs = await deps.retire(planned, provided.objects, signal);
      const againMs = provided.facts.claimProblem === undefined ? LOOK_AGAIN_MS : GROW_AGAIN_MS;
      return { requeueAfterMs: retireMs ?? againMs };
    } catch (error) {
      signal.throwIfAborted();
      setProblem(key, errorText(error));
      if (error instanceof NameTakenError) {
        // The other one may wait for a name that this one has had.
        const kept = objectsOfCache(watched, key).filter(({ kind }) => kind !== 'Service');
        await deps.retire(planned, kept, signal);
        return { requeueAfterMs: NAME_TAKEN_RETRY_MS };
      }
      if (error instanceof NotOwnedError) return { requeueAfterMs: NOT_OWNED_RETRY_MS };
      throw error;
    }
  };

  function setProblem(key: string, problem: string): void {
    facts.set(key, { ...(facts.get(key) ?? NOTHING_KNOWN), problem });
  }
}

const NOTHING_KNOWN: KnownCacheState = {
  madeFor: undefined,
  setGeneration: undefined,
  volumeBytes: undefined,
  endpoint: undefined,
  missingSecrets: [],
  invalidSecrets: [],
  caBundleProblem: undefined,
  claimProblem: undefined,
  problem: undefined,
};
