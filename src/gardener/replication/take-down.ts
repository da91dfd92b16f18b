import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { releaseObjects } from '../../operator/removal/release-objects.ts';
import { removeComponent } from '../actuator/remove-component.ts';
import { MANAGED_RESOURCES, type ManagedResource } from '../managed-resources/managed-resource.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from './shoot-place.ts';
import { askShoot } from './ask-shoot.ts';
import { deleteLostPods, hasNodes } from './lost-pods.ts';
import { removeShootCaches, turnShootNodesAway } from './remove-shoot-caches.ts';
import { poll, type Progress } from './progress.ts';

/** gardenlet waits three minutes for one deletion of an Extension, and then asks again (gardener v1.149.3, `component/extensions/extension`). */
const LIMIT_MS = 150_000;

export interface TakeDownDeps {
  /** Client of the seed. */
  readonly seed: Pick<KubeClient, 'get' | 'mergePatch' | 'delete'>;
  /** Client of the shoot with all rights. */
  readonly shoot: Pick<KubeClient, 'get' | 'list' | 'apply' | 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TakeDownOptions {
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
}

/**
 * Removes what replication has brought into a shoot: the operator, then the caches with their claims once nodes were turned away, then finalizers and
 * statuses of users' objects, then the node agents and the namespace (decision 0023). CRDs and the objects of users stay. Nothing has to run in
 * the shoot but its control plane, and a shoot without both ManagedResources is not called. Each call goes on from what exists. Reads metadata alone of
 * the shoot.
 *
 * Throws {@link ShootAwayError} if the shoot's API server does not answer, `RECONCILE_TIMEOUT` after 150 s, and `KUBE_API`. Texts about the shoot have kinds
 * and numbers, and no name of an object in it.
 */
export async function takeDown(
  deps: TakeDownDeps,
  options: TakeDownOptions,
  signal: AbortSignal,
): Promise<void> {
  const limit = new AbortController();
  const cancel = deps.clock.after(LIMIT_MS, () => limit.abort());
  const progress: Progress = { left: 'the ManagedResources' };
  try {
    await inOrder(deps, options, progress, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    if (signal.aborted || !limit.signal.aborted) throw error;
    const message = `the clean-up in the shoot has not ended after ${LIMIT_MS / 1000} s, left are: ${progress.left}`;
    throw new LarderError('RECONCILE_TIMEOUT', message);
  } finally {
    cancel();
  }
}

export type TakeDown = typeof takeDown;

async function inOrder(
  deps: TakeDownDeps,
  { namespace }: TakeDownOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { seed, shoot, clock, logger } = deps;
  const operator = { namespace, name: OPERATOR_COMPONENT };
  const rest = { namespace, name: SHOOT_COMPONENT };
  const hasOperator = (await find(seed, MANAGED_RESOURCES, operator, signal)) !== undefined;
  const found = await find(seed, MANAGED_RESOURCES, rest, signal);
  if (!hasOperator && found === undefined) return;
  // Asked before anything is deleted: while the shoot is away, gardener-resource-manager is as well.
  await askShoot('nodes', () => hasNodes(shoot, signal));

  if (hasOperator) await remove(deps, operator, progress, signal);
  if (found === undefined) return;
  if (!isBeingDeleted(found)) {
    await turnShootNodesAway(deps, progress, signal);
    await removeShootCaches(deps, progress, signal);
  }
  progress.left = 'finalizers of RegistryConfigs and MirrorConfigs';
  const { released, refused } = await askShoot('objects', () => releaseObjects(shoot, signal));
  logger.info('objects of a shoot are released', { released, refused });
  if (refused > 0) {
    const message = `the shoot's API server refuses to take status or finalizer off ${refused} RegistryConfigs and MirrorConfigs`;
    const hint = 'look at the admission webhooks and policies of the shoot';
    throw new LarderError('KUBE_API', `${message}: ${hint}`);
  }
  await remove({ seed, shoot, clock }, rest, progress, signal);
}

function isBeingDeleted({ metadata }: ManagedResource): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Deletes a ManagedResource and waits until its objects are gone. */
async function remove(
  { seed, shoot, clock }: Pick<TakeDownDeps, 'seed' | 'shoot' | 'clock'>,
  key: { readonly namespace: string; readonly name: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.left = `the ManagedResource ${key.name}`;
  await removeComponent(seed, key, { keepsObjects: false }, signal);
  await poll(clock, signal, async () => {
    if ((await find(seed, MANAGED_RESOURCES, key, signal)) === undefined) return true;
    await askShoot('pods', () => deleteLostPods(shoot, signal));
    return false;
  });
}
