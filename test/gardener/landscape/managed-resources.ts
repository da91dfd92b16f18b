/**
 * gardener-resource-manager of a shoot, for objects of any kind (gardener v1.147.1, `pkg/resourcemanager/controller/managedresource`). One
 * turn handles a ManagedResource as one reconcile of the manager does.
 */
import {
  MANAGED_RESOURCES,
  type ManagedResource,
} from '../../../src/gardener/managed-resources/managed-resource.ts';
import type { Clock } from '../../../src/kit/clock.ts';
import { find } from '../../../src/kube/objects/find.ts';
import type { KubeClient, ObjectKey } from '../../../src/kube/types.ts';
import { SECRETS } from '../../../src/operator/cluster/resources.ts';
import { manifestsOf, type AnyObject } from '../recorded-snapshot.ts';
import { GRM_FINALIZER } from '../resource-manager.ts';
import { removeObjects } from './dropped-objects.ts';
import { illness, progress } from './health.ts';
import type { FindKind } from './kinds.ts';
import {
  inOrder,
  isTrue,
  referenceTo,
  textOf,
  withLabels,
  type Manifest,
  type Reference,
} from './manifest.ts';
import { createObjectWriter, IGNORE } from './object-writer.ts';

export type ManagerClient = Omit<KubeClient, 'watch'>;

export interface ManagedResourcesDeps {
  readonly seed: ManagerClient;
  readonly shoot: ManagerClient;
  readonly findKind: FindKind;
  readonly clock: Pick<Clock, 'now'>;
}

/** ManagedResource with what the manager keeps in its status. */
export interface StoredManagedResource extends ManagedResource {
  readonly status?: ManagedResource['status'] & { readonly resources?: readonly Reference[] };
}

/** `done`: nothing to do until the resync. `pending`: objects are being deleted. `failed`: the conditions say why. */
export type Turn = 'done' | 'pending' | 'failed' | 'gone';

const MODE = 'resources.gardener.cloud/mode';
const MANAGED_BY = { 'resources.gardener.cloud/managed-by': 'gardener' } as const;

/** Handles one ManagedResource. */
export type HandleManagedResource = (key: ObjectKey, signal: AbortSignal) => Promise<Turn>;

export function createManagedResources(deps: ManagedResourcesDeps): HandleManagedResource {
  const { seed, shoot, findKind, clock } = deps;
  const objects = createObjectWriter({ shoot, findKind });
  const resources = MANAGED_RESOURCES as typeof MANAGED_RESOURCES & { type?: StoredManagedResource };

  return async (key, signal) => {
    const call = { signal };
    const found = await find(seed, resources, key, signal);
    if (found === undefined) return 'gone';
    const { finalizers = [], deletionTimestamp, annotations } = found.metadata;
    const isDeleted = deletionTimestamp !== undefined;
    const conditions = new Map(found.status?.conditions?.map((one) => [one.type, one]));
    const origin = `landscape:${key.namespace}/${key.name}`;

    const say = (type: string, status: string, reason: string, message: string): void =>
      void conditions.set(type, { type, status, reason, message });
    const report = async (more: object = {}): Promise<void> => {
      const status = { ...more, conditions: [...conditions.values()] };
      await seed.mergePatch(resources, key, { status }, { ...call, subresource: 'status' });
    };
    const setFinalizers = (all: readonly string[]): Promise<unknown> =>
      seed.mergePatch(resources, key, { metadata: { finalizers: all } }, call);

    if (isTrue(annotations, IGNORE) && !isDeleted) {
      for (const [type, status] of [
        ['ResourcesApplied', 'True'],
        ['ResourcesHealthy', 'True'],
        ['ResourcesProgressing', 'False'],
      ] as const)
        say(type, status, 'ManagedResourceIgnored', 'ManagedResource is marked to be ignored.');
      await report();
      return 'done';
    }

    const last = new Map((found.status?.resources ?? []).map((one) => [textOf(one), one]));
    const remove = async (references: Iterable<Reference>): Promise<boolean> => {
      const deleteClaims = found.spec.deletePersistentVolumeClaims === true;
      const pending = await removeObjects({ shoot, findKind, clock }, references, { deleteClaims, signal });
      if (pending.length > 0)
        say('ResourcesApplied', 'Progressing', 'DeletionPending', `deletion of ${pending.join()} is pending`);
      return pending.length > 0;
    };

    if (isDeleted) {
      if (found.spec.keepObjects !== true && (await remove(last.values()))) {
        await report();
        return 'pending';
      }
      await setFinalizers(finalizers.filter((one) => one !== GRM_FINALIZER));
      return 'gone';
    }

    if (!finalizers.includes(GRM_FINALIZER)) await setFinalizers([...finalizers, GRM_FINALIZER]);
    const fail = async (reason: string, message: string): Promise<Turn> => {
      say('ResourcesApplied', 'False', reason, message);
      await report();
      return 'failed';
    };

    const wanted: Manifest[] = [];
    const released: Manifest[] = [];
    for (const { name } of found.spec.secretRefs) {
      const secret = await find(seed, SECRETS, { namespace: key.namespace, name }, signal);
      if (secret === undefined) return fail('CannotReadSecret', `secret ${name} not found`);
      for (const raw of manifestsOf(secret as AnyObject)) {
        const manifest = await objects.placed(raw as unknown as Manifest);
        (manifest.metadata.annotations?.[MODE] === 'Ignore' ? released : wanted).push(manifest);
      }
    }
    const labels = { ...found.spec.injectLabels, ...MANAGED_BY };
    const references = wanted.map((one) => referenceTo(withLabels(one, labels)));
    const names = new Set([...wanted, ...released].map((one) => textOf(referenceTo(one))));
    if (await remove([...last].filter(([text]) => !names.has(text)).map(([, one]) => one))) {
      await report();
      return 'pending';
    }
    for (const one of released) await objects.release(one, origin, signal);

    const applied: Manifest[] = [];
    try {
      for (const one of inOrder(wanted)) {
        const context = { origin, last: last.get(textOf(referenceTo(one))) };
        applied.push(await objects.apply(withLabels(one, labels), context, signal));
      }
    } catch (error) {
      // The objects after the one that failed wait for the next turn.
      signal.throwIfAborted();
      return fail('ApplyFailed', (error as Error).message);
    }
    say('ResourcesApplied', 'True', 'ApplySucceeded', 'All resources are applied.');
    const reasonOf = (check: (object: Manifest) => string | undefined): string =>
      applied
        .flatMap((one) => (check(one) === undefined ? [] : [`${textOf(referenceTo(one))}: ${check(one)}`]))
        .join('; ');
    const ill = reasonOf(illness);
    const rolling = reasonOf(progress);
    say(
      'ResourcesHealthy',
      ill === '' ? 'True' : 'False',
      ill === '' ? 'ResourcesHealthy' : 'Unhealthy',
      ill,
    );
    say(
      'ResourcesProgressing',
      rolling === '' ? 'False' : 'True',
      rolling === '' ? 'RolledOut' : 'Progressing',
      rolling,
    );
    await report({ observedGeneration: found.metadata.generation, resources: references });
    return 'done';
  };
}
