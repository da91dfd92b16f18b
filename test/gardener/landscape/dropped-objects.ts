/** Deletion of the objects of a ManagedResource (gardener v1.147.1, `managedresource/reconciler.go` `cleanOldResources`, `cleaner.go`). */
import type { Clock } from '../../../src/kit/clock.ts';
import { find } from '../../../src/kube/objects/find.ts';
import type { KubeClient, Resource } from '../../../src/kube/types.ts';
import type { FindKind } from './kinds.ts';
import { groupOf, isTrue, textOf, type Manifest, type Reference } from './manifest.ts';

export interface RemovalDeps {
  readonly shoot: Omit<KubeClient, 'watch'>;
  readonly findKind: FindKind;
  readonly clock: Pick<Clock, 'now'>;
}

export interface RemovalOptions {
  /** Deletes the claims that a StatefulSet selects, too. */
  readonly deleteClaims: boolean;
  readonly signal: AbortSignal;
}

export const KEEP = 'resources.gardener.cloud/keep-object';
export const FINALIZE_AFTER = 'resources.gardener.cloud/finalize-deletion-after';
const COLLECTABLE = 'resources.gardener.cloud/garbage-collectable-reference';

export const CLAIMS: Resource<Manifest> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};

/** Deletes all objects at once. Returns the names of those that were still there. An object whose kind is gone is gone. */
export async function removeObjects(
  { shoot, findKind, clock }: RemovalDeps,
  references: Iterable<Reference>,
  { deleteClaims, signal }: RemovalOptions,
): Promise<string[]> {
  const isPending = await Promise.all(
    [...references].map(async (one) => ((await remove(one)) ? [textOf(one)] : [])),
  );
  return isPending.flat();

  /** Returns true if the object was there, and has to go. */
  async function remove({ apiVersion, kind, namespace, name }: Reference): Promise<boolean> {
    const resource = await findKind(apiVersion, kind);
    if (resource === undefined) return false;
    const key = { namespace, name };
    const object = await find(shoot, resource, key, signal);
    if (object === undefined || isKept(object)) return false;
    if (kind === 'StatefulSet' && deleteClaims) await removeClaims(object);
    const isForeground = ['apps', 'extensions', 'batch'].includes(groupOf(apiVersion));
    await shoot.delete(resource, key, { signal, ...(isForeground && { propagationPolicy: 'Foreground' }) });
    if (isLate(object)) await shoot.mergePatch(resource, key, { metadata: { finalizers: [] } }, { signal });
    return true;
  }

  async function removeClaims({ metadata: { namespace }, spec }: Manifest): Promise<void> {
    if ((spec?.volumeClaimTemplates ?? []).length === 0) return;
    const labels = Object.entries(spec?.selector?.matchLabels ?? {});
    const labelSelector = labels.map(([label, value]) => `${label}=${value}`).join();
    const { items } = await shoot.list(CLAIMS, { namespace, labelSelector }, { signal });
    for (const { metadata } of items)
      await shoot.delete(CLAIMS, { namespace, name: metadata.name }, { signal });
  }

  function isLate({ metadata: { annotations, deletionTimestamp, finalizers = [] } }: Manifest): boolean {
    const limit = annotations?.[FINALIZE_AFTER];
    if (limit === undefined || deletionTimestamp === undefined || finalizers.length === 0) return false;
    return clock.now() >= Date.parse(deletionTimestamp) + milliseconds(limit);
  }
}

function isKept({ apiVersion, kind, metadata: { annotations, labels } }: Manifest): boolean {
  const isCollectable =
    apiVersion === 'v1' && ['ConfigMap', 'Secret'].includes(kind) && isTrue(labels, COLLECTABLE);
  return isTrue(annotations, KEEP) || isCollectable;
}

/** Parses the durations that Go prints: `1h`, `5m30s`. */
function milliseconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0),
    0,
  );
}
