import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Reconcile, ReconcileResult } from '../../kube/controller/reconcile.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { AuthorityKeeper } from '../authority/authority-keeper.ts';
import type { Authority } from '../authority/authority-state.ts';
import type { NamedSecrets } from '../cluster/named-secrets.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import type { Watched } from '../cluster/watched.ts';
import type { Plan, PlannedCache } from '../configs/plan.ts';
import { createDrainTracker } from '../nodes/drain-tracker.ts';
import { objectsOfCache, ownerOf, upstreamOf, belongToAnother } from '../ownership/existing-objects.ts';
import { NAME_TAKEN_RETRY_MS, NameTakenError } from '../ownership/name-taken-error.ts';
import { NOT_OWNED_RETRY_MS, NotOwnedError } from '../ownership/not-owned-error.ts';
import type { TrustedCaView } from '../secrets/trusted-ca.ts';
import { createObjectsApplier, type CacheSettings } from './apply-objects.ts';
import type { CacheStates } from './cache-states.ts';
import { cacheNamesOf } from '../render/cache-names.ts';
import { createVolumeClaimer } from './claim-volume.ts';
import { growVolume } from './grow-volume.ts';
import { labelClaim } from './label-claim.ts';
import { refreshFiles } from './refresh-files.ts';
import { createCacheRemover } from './remove-cache.ts';
import { createCertificateRenewal } from './renew-certificate.ts';
import { createUnusedRetirer } from './retire-unused.ts';
import type { ServiceMonitorKind } from './service-monitors.ts';

/** Certificates are renewed days before they expire, so an hourly look is early enough. */
const LOOK_AGAIN_MS = 3600_000;
/** StorageClasses and quotas, which keep a volume from growing, are not watched. */
const GROW_AGAIN_MS = 60_000;
/** While there is no authority. A new one also wakes every cache. */
const AUTHORITY_RETRY_MS = 1000;

export interface CacheReconcilerDeps {
  readonly client: Pick<KubeClient, 'get' | 'apply' | 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly plan: () => Plan;
  readonly authority: Pick<AuthorityKeeper, 'current' | 'problem'>;
  readonly secrets: NamedSecrets;
  readonly document: NodeDocumentView;
  readonly serviceMonitors: Pick<ServiceMonitorKind, 'isServed'>;
  readonly trustedCa: Pick<TrustedCaView, 'get'>;
  readonly states: CacheStates;
}

/**
 * The life of a cache, as a reconcile finds it:
 *
 *            planned            steps done
 *   (none) ----------> Vacant -------------> Owned <-------------+
 *     ^                  ^                   | | |               | its configuration
 *     |                  |                   | | |               | is readable again
 *     | all gone         |   another owner   | | +---------> Unreadable
 *     |                  |   or upstream     | |                 |
 *     |                  |   is planned      | |                 |
 *     |                  +---- Foreign <-----+ |                 |
 *     |              all gone                  |                 |
 *     +---- Unwanted <----- not planned -------+-----------------+
 *
 * - `Vacant`: planned, and none of its objects exists. A former pod or volume may still be ending.
 * - `Owned`: planned, and the objects belong to the planned owner and upstream. An object that disagrees was edited and is put back.
 * - `Foreign`: planned, but the objects belong to another owner, or to another upstream with the same key. They are removed, and so is
 *   their volume, by `claimVolume` at the latest: the other owner's credentials decided who may read its content.
 * - `Unreadable`: its owner's spec is invalid, and the previous configuration cannot be read from the ConfigMap. Everything stays, and the
 *   certificate is renewed.
 * - `Unwanted`: not planned. The nodes leave it first, then its objects are deleted.
 */
type Found =
  | { readonly stage: 'Unreadable' | 'Unwanted' }
  | { readonly stage: 'Vacant' | 'Owned' | 'Foreign'; readonly planned: PlannedCache };

/** Reconciles one cache with the plan. */
export function createCacheReconciler(deps: CacheReconcilerDeps, settings: CacheSettings): Reconcile {
  const { client, watched, states } = deps;
  const claimVolume = createVolumeClaimer(deps, settings);
  const applyObjects = createObjectsApplier(deps, settings);
  const retireUnused = createUnusedRetirer({ ...deps, drain: createDrainTracker(deps) }, settings);
  const removeCache = createCacheRemover({ ...deps, drain: createDrainTracker(deps) }, settings);
  const renewCertificate = createCertificateRenewal(deps, settings);

  return async (key, { signal, logger }) => {
    const plan = deps.plan();
    if (plan.problem !== undefined) {
      // Another plan wakes this controller.
      states.setProblem(key, plan.problem);
      return 'done';
    }
    const found = find(plan, key);
    switch (found.stage) {
      case 'Unreadable': {
        const authority = deps.authority.current();
        if (authority === undefined) return { requeueAfterMs: AUTHORITY_RETRY_MS };
        await renewCertificate(key, authority, signal);
        return { requeueAfterMs: LOOK_AGAIN_MS };
      }
      case 'Unwanted': {
        const wait = await removeCache(key, signal);
        states.set(key, undefined);
        if (wait === undefined) return 'done';
        logger.debug('removing the cache', { why: wait.why });
        return { requeueAfterMs: wait.waitMs };
      }
      case 'Foreign':
      case 'Vacant': {
        const wait = await removeCache(key, signal);
        if (wait === undefined) return await provide(found.planned, signal);
        if (found.stage === 'Vacant') states.setProblem(key, wait.why);
        logger.debug('removing the former cache', { why: wait.why });
        return { requeueAfterMs: wait.waitMs };
      }
      case 'Owned':
        return await provide(found.planned, signal);
    }
  };

  function find(plan: Plan, key: string): Found {
    const planned = plan.caches.get(key);
    const objects = objectsOfCache(watched, key);
    if (planned === undefined) {
      const isKept = objects.some(
        (object) => plan.isInvalid(ownerOf(object) ?? '') && !plan.taken.has(upstreamOf(object) ?? ''),
      );
      return { stage: isKept ? 'Unreadable' : 'Unwanted' };
    }
    if (objects.length === 0) return { stage: 'Vacant', planned };
    return { stage: belongToAnother(objects, planned) ? 'Foreign' : 'Owned', planned };
  }

  async function provide(planned: PlannedCache, signal: AbortSignal): Promise<ReconcileResult> {
    const { key } = planned;
    const authority = deps.authority.current();
    if (authority === undefined) {
      const problem = deps.authority.problem();
      if (problem !== undefined) states.setProblem(key, problem);
      return { requeueAfterMs: AUTHORITY_RETRY_MS };
    }
    try {
      return { requeueAfterMs: await takeSteps(planned, authority, signal) };
    } catch (error) {
      signal.throwIfAborted();
      states.setProblem(key, errorText(error));
      if (error instanceof NameTakenError) {
        // The cache with that name may itself wait for the name of a Service that this cache has no use for.
        const kept = objectsOfCache(watched, key).filter(({ kind }) => kind !== 'Service');
        await retireUnused(planned, kept, signal);
        return { requeueAfterMs: NAME_TAKEN_RETRY_MS };
      }
      if (error instanceof NotOwnedError) return { requeueAfterMs: NOT_OWNED_RETRY_MS };
      throw error;
    }
  }

  /** Takes the steps that make a cache `Owned` and keep it so. Returns the time until the next look. */
  async function takeSteps(
    planned: PlannedCache,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<number> {
    const { key, config } = planned;
    const wait = await claimVolume(planned, signal);
    if (wait !== undefined) {
      states.setProblem(key, wait.why);
      return wait.waitMs;
    }
    const { state, claim, objects, files } = await applyObjects(planned, authority, signal);
    const labels = {
      objectLabels: settings.objectLabels,
      own: cacheNamesOf({ cache: config }).labels,
    };
    if (claim !== undefined) await labelClaim(client, claim, labels, signal);
    const volumeProblem = claim && (await growVolume(client, claim, config.volume.size, signal));
    await refreshFiles(client, watched.pods.byIndex(BY_CACHE, key), files, signal);
    states.set(key, { ...state, volumeProblem, problem: undefined });
    const retireMs = await retireUnused(planned, objects, signal);
    return retireMs ?? (volumeProblem === undefined ? LOOK_AGAIN_MS : GROW_AGAIN_MS);
  }
}
