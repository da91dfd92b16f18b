/** Objects of a shoot's namespace in the seed, as gardenlet writes them and waits for them (gardener v1.147.1). */
import {
  MANAGED_RESOURCES,
  type ManagedResource,
} from '../../../src/gardener/managed-resources/managed-resource.ts';
import { OPERATION } from '../../../src/gardener/extensions/extension-facts.ts';
import { EXTENSIONS, NAMESPACES, type Extension } from '../../../src/gardener/extensions/resources.ts';
import type { Clock } from '../../../src/kit/clock.ts';
import { find } from '../../../src/kube/objects/find.ts';
import { isNotFound } from '../../../src/kube/kube-error.ts';
import type { KubeClient, KubeObject, MergePatch, Resource } from '../../../src/kube/types.ts';
import type { WantedShoot } from './shoot-flow.ts';

export interface SeedObjects {
  readonly namespace: string;
  /** Writes the namespace with a label for each type of its Extensions, by which their webhooks find it, and the Cluster with this Shoot. */
  putShoot(wanted: Pick<WantedShoot, 'shoot' | 'extensions'>): Promise<void>;
  /** Creates or updates an Extension, and asks for an operation. */
  putExtension(type: string, providerConfig: unknown, operation: string): Promise<void>;
  /** True if the Extension has done what it was asked for. */
  isReady(type: string, operation: string): Promise<boolean>;
  /** Asks an Extension for an operation, without another change. */
  ask(type: string, operation: string): Promise<void>;
  /** Confirms the deletion and deletes. */
  deleteExtension(type: string): Promise<void>;
  extensions(): Promise<readonly Extension[]>;
  /** ManagedResources of gardenlet, which have the label. */
  ownManagedResources(): Promise<readonly ManagedResource[]>;
  /** ManagedResources for the shoot, whoever wrote them. */
  shootManagedResources(): Promise<readonly ManagedResource[]>;
  patchManagedResource(name: string, patch: MergePatch): Promise<void>;
  deleteManagedResource(name: string): Promise<void>;
  deleteCluster(): Promise<void>;
}

export const CLUSTERS: Resource = {
  ...EXTENSIONS,
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: false,
};
const API = 'extensions.gardener.cloud/v1alpha1';
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  reconcile: ['Create', 'Reconcile', 'Restore'],
  restore: ['Restore'],
  migrate: ['Migrate'],
};

export function createSeedObjects(
  { seed, clock }: { readonly seed: Omit<KubeClient, 'watch'>; readonly clock: Pick<Clock, 'now'> },
  namespace: string,
  signal: AbortSignal,
): SeedObjects {
  const call = { signal };
  const ownKey = (name: string) => ({ namespace, name });
  const request = (operation: string) => ({
    [OPERATION]: operation,
    'gardener.cloud/timestamp': new Date(clock.now()).toISOString(),
  });
  const patch = (type: string, change: MergePatch): Promise<Extension> =>
    seed.mergePatch(EXTENSIONS, ownKey(type), change, call);
  const managedResources = async (labelSelector?: string) =>
    (await seed.list(MANAGED_RESOURCES, { namespace, labelSelector }, call)).items;

  async function put<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    const before = await find(seed, resource, object.metadata, signal);
    if (before === undefined) await seed.create(resource, object, call);
    else await seed.mergePatch(resource, object.metadata, Object.fromEntries(Object.entries(object)), call);
  }

  return {
    namespace,
    async putShoot({ shoot, extensions }) {
      const types = Object.keys(extensions).map((type) => [`extensions.gardener.cloud/${type}`, 'true']);
      const labels = { 'gardener.cloud/role': 'shoot', ...(Object.fromEntries(types) as object) };
      await put(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
      const spec = { shoot, seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } };
      const cluster = { apiVersion: API, kind: 'Cluster', metadata: { name: namespace }, spec };
      await put(CLUSTERS, cluster as KubeObject);
    },
    async putExtension(type, providerConfig, operation) {
      const metadata = { ...ownKey(type), annotations: request(operation) };
      await put(EXTENSIONS, { apiVersion: API, kind: 'Extension', metadata, spec: { type, providerConfig } });
    },
    async isReady(type, operation) {
      const found = await find(seed, EXTENSIONS, ownKey(type), signal);
      const { lastOperation, observedGeneration } = found?.status ?? {};
      return (
        found?.metadata.annotations?.[OPERATION] === undefined &&
        observedGeneration === found?.metadata.generation &&
        lastOperation?.state === 'Succeeded' &&
        (OPERATIONS[operation] ?? []).includes(lastOperation.type)
      );
    },
    async ask(type, operation) {
      await patch(type, { metadata: { annotations: request(operation) } });
    },
    async deleteExtension(type) {
      if ((await find(seed, EXTENSIONS, ownKey(type), signal)) === undefined) return;
      await patch(type, { metadata: { annotations: { 'confirmation.gardener.cloud/deletion': 'true' } } });
      await seed.delete(EXTENSIONS, ownKey(type), call);
    },
    extensions: async () => (await seed.list(EXTENSIONS, { namespace }, call)).items,
    ownManagedResources: () => managedResources('origin=gardener'),
    shootManagedResources: async () =>
      (await managedResources()).filter(({ spec }) => (spec.class ?? '') === ''),
    async patchManagedResource(name, change) {
      await seed.mergePatch(MANAGED_RESOURCES, ownKey(name), change, call).catch((error: unknown) => {
        // Its manager may have ended it since it was listed.
        if (!isNotFound(error)) throw error;
      });
    },
    deleteManagedResource: (name) => seed.delete(MANAGED_RESOURCES, ownKey(name), call),
    deleteCluster: () => seed.delete(CLUSTERS, { name: namespace }, call),
  };
}
