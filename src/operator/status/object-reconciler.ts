import type { ConfigCondition } from '../../api/status/status-fields.ts';
import type { RegistryConfigStatus } from '../../api/status/registry-config-status.ts';
import type { Reconcile, ReconcileResult } from '../../kube/controller/reconcile.ts';
import { isConflict, isInvalid } from '../../kube/kube-error.ts';
import type { EventRecorder } from '../../kube/events/recorder.ts';
import type { Finalizer } from '../../kube/objects/finalizers.ts';
import type { StatusWriter } from '../../kube/objects/status.ts';
import type { Resource } from '../../kube/types.ts';
import { configId, parseConfigId, type ConfigId } from '../cluster/config-id.ts';
import type { Planner } from '../configs/planner.ts';
import type { ConfigObject } from '../configs/read-config.ts';
import { MIRROR_CONFIGS, REGISTRY_CONFIGS, type MirrorConfigObject } from '../cluster/resources.ts';
import type { Watched } from '../cluster/watched.ts';
import { occurrencesOf } from './status-events.ts';

/** While an object that is being deleted still has upstreams. The look costs the API server nothing. */
const ASK_AGAIN_MS = 1000;
/** Time between two writes of a status whose conditions keep their reasons for the same spec, and only numbers and messages change. */
const DETAILS_MS = 10_000;
/** Some findings follow from the time alone. The second is the time while a change is in progress. */
const LOOK_AGAIN_MS = 10 * 60_000;
const LOOK_SOON_MS = 15_000;

export interface ObjectReconcilerDeps {
  readonly watched: Pick<Watched, 'registryConfigs' | 'mirrorConfigs'>;
  readonly planner: Planner;
  readonly existingUpstreams: (id: ConfigId) => readonly string[];
  readonly finalizer: Finalizer;
  readonly writer: StatusWriter;
  readonly events: EventRecorder;
  /** Time for which the status that an object has is kept, in ms; see `createLeaderWarmUp`. */
  readonly warmUpMs: (object: ConfigObject) => number;
  /** Computes the status. `removing` are the upstreams that still exist, of an object that is being deleted. */
  readonly statusOf: (
    object: ConfigObject,
    removing: readonly string[] | undefined,
    signal: AbortSignal,
  ) => Promise<RegistryConfigStatus | MirrorConfigObject['status']>;
}

/**
 * Writes the status of an object, and keeps a deleted object until its upstreams are gone. The finalizer comes first: without it, nothing
 * else is done for the object.
 */
export function createObjectReconciler(deps: ObjectReconcilerDeps): Reconcile {
  const { watched, existingUpstreams, finalizer, writer, events } = deps;

  return async (key, { signal }) => {
    const object = find(key);
    if (object === undefined) return 'done';
    const resource = object.kind === 'MirrorConfig' ? MIRROR_CONFIGS : REGISTRY_CONFIGS;
    if (object.metadata.deletionTimestamp === undefined) {
      if (!finalizer.isOn(object)) return await addFinalizer(resource, object, signal);
      const warmUpMs = deps.warmUpMs(object);
      if (warmUpMs > 0) return { requeueAfterMs: warmUpMs };
      return await writeStatus(resource, object, undefined, signal);
    }
    if (!finalizer.isOn(object)) return 'done';
    const removing = existingUpstreams(configId(object));
    if (removing.length === 0) {
      await finalizer.remove(resource, object, signal);
      return 'done';
    }
    await writeStatus(resource, object, removing, signal);
    return { requeueAfterMs: ASK_AGAIN_MS };
  };

  function find(key: ConfigId): ConfigObject | undefined {
    const id = parseConfigId(key);
    if (id === undefined) return undefined;
    return id.kind === 'MirrorConfig' ? watched.mirrorConfigs.get(id) : watched.registryConfigs.get(id);
  }

  async function addFinalizer(
    resource: Resource<ConfigObject>,
    object: ConfigObject,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    try {
      await finalizer.add(resource, object, signal);
      return 'done';
    } catch (error) {
      // The object is newer than the watched one, and may have the finalizer already.
      if (!isInvalid(error) && !isConflict(error)) throw error;
      return { requeueAfterMs: ASK_AGAIN_MS };
    }
  }

  async function writeStatus(
    resource: Resource,
    object: ConfigObject,
    removing: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const status = await deps.statusOf(object, removing, signal);
    const before = object.status?.conditions ?? [];
    const after = status?.conditions ?? [];
    const everyMs = haveSameReasons(before, after) ? DETAILS_MS : undefined;
    const outcome = await writer.write(resource, object, status, signal, everyMs);
    if (outcome.kind === 'later') return { requeueAfterMs: outcome.afterMs };
    if (outcome.kind === 'written') {
      for (const occurrence of occurrencesOf(before, after)) events.record(object, occurrence);
    }
    const isSettled = after.some(({ reason }) => reason === 'Settled');
    return { requeueAfterMs: isSettled ? LOOK_AGAIN_MS : LOOK_SOON_MS };
  }
}

function haveSameReasons(before: readonly ConfigCondition[], after: readonly ConfigCondition[]): boolean {
  const text = (conditions: readonly ConfigCondition[]): string =>
    conditions.map((one) => `${one.type} ${one.reason} ${one.observedGeneration}`).join();
  return text(before) === text(after);
}
