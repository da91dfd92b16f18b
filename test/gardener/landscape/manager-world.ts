/** Seed and shoot in memory, and gardener-resource-manager between them. */
import {
  MANAGED_RESOURCES,
  type ManagedResource,
} from '../../../src/gardener/managed-resources/managed-resource.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { find } from '../../../src/kube/objects/find.ts';
import type { Resource } from '../../../src/kube/types.ts';
import { SECRETS } from '../../../src/operator/cluster/resources.ts';
import { createMemoryKube, type MemoryKube } from '../../kube/memory-kube.ts';
import {
  createManagedResources,
  type HandleManagedResource,
  type StoredManagedResource,
} from './managed-resources.ts';
import type { FindKind } from './kinds.ts';
import { groupOf, type Manifest } from './manifest.ts';

export const NAMESPACE = 'shoot--lab--one';

export interface ManagerWorld {
  readonly clock: ManualClock;
  readonly seed: MemoryKube;
  readonly shoot: MemoryKube;
  /** Options of all deletions in the shoot, in their order. */
  readonly deletions: { readonly name: string; readonly propagationPolicy: string | undefined }[];
  /** Kinds that the shoot does not have. */
  readonly missing: Set<string>;
  readonly handle: HandleManagedResource;
  /** Writes a ManagedResource and its Secret. */
  write(name: string, manifests: readonly object[], spec?: Partial<ManagedResource['spec']>): Promise<void>;
  annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void>;
  delete(name: string): Promise<void>;
  /** Handles a ManagedResource once. */
  turn(name: string): ReturnType<HandleManagedResource>;
  found(name: string): Promise<StoredManagedResource | undefined>;
  /** Object in the shoot. */
  object(apiVersion: string, kind: string, name: string, namespace?: string): Promise<Manifest | undefined>;
  /** Changes an object in the shoot, as its owner. */
  patch(apiVersion: string, kind: string, name: string, patch: object): Promise<void>;
}

const CLUSTER_WIDE = [
  'Namespace',
  'ClusterRole',
  'CustomResourceDefinition',
  'PriorityClass',
  'ValidatingWebhookConfiguration',
];

export function createManagerWorld(): ManagerWorld {
  const clock = new ManualClock();
  const [seed, shoot] = [createMemoryKube(clock), createMemoryKube(clock)];
  const missing = new Set<string>();
  const deletions: ManagerWorld['deletions'] = [];
  const { signal } = new AbortController();
  const call = { signal };
  const inSeed = seed.client();
  const owner = shoot.client({ manager: 'owner' });
  const plain = shoot.client({ manager: 'manager' });
  const client: typeof plain = {
    ...plain,
    delete(resource, key, options) {
      deletions.push({ name: key.name, propagationPolicy: options.propagationPolicy });
      return plain.delete(resource, key, options);
    },
  };
  const findKind: FindKind = async (apiVersion, kind) =>
    missing.has(kind) ? undefined : kindOf(apiVersion, kind);
  const handle = createManagedResources({ seed: inSeed, shoot: client, findKind, clock });
  const keyOf = (name: string) => ({ namespace: NAMESPACE, name });
  const inShoot = (kind: string, name: string, namespace = 'default') =>
    CLUSTER_WIDE.includes(kind) ? { name } : { namespace, name };

  return {
    clock,
    seed,
    shoot,
    deletions,
    missing,
    handle,
    async write(name, manifests, spec = {}) {
      const data = Object.fromEntries(
        manifests.map((one, at) => [`${at}.yaml`, Buffer.from(JSON.stringify(one)).toString('base64')]),
      );
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: keyOf(name), data };
      const resource: ManagedResource = {
        apiVersion: 'resources.gardener.cloud/v1alpha1',
        kind: 'ManagedResource',
        metadata: keyOf(name),
        spec: { secretRefs: [{ name }], ...spec },
      };
      const before = await find(inSeed, MANAGED_RESOURCES, keyOf(name), signal);
      if (before === undefined) {
        await inSeed.create(SECRETS, secret, call);
        await inSeed.create(MANAGED_RESOURCES, resource, call);
      } else {
        await inSeed.replace(SECRETS, secret, call);
        await inSeed.mergePatch(MANAGED_RESOURCES, keyOf(name), { spec: resource.spec }, call);
      }
    },
    async annotate(name, annotations) {
      await inSeed.mergePatch(MANAGED_RESOURCES, keyOf(name), { metadata: { annotations } }, call);
    },
    delete: (name) => inSeed.delete(MANAGED_RESOURCES, keyOf(name), call),
    turn: (name) => handle(keyOf(name), signal),
    found: (name) => find(inSeed, MANAGED_RESOURCES, keyOf(name), signal),
    object: (apiVersion, kind, name, namespace) =>
      find(owner, kindOf(apiVersion, kind), inShoot(kind, name, namespace), signal),
    async patch(apiVersion, kind, name, patch) {
      await owner.mergePatch(kindOf(apiVersion, kind), inShoot(kind, name), { ...patch }, call);
    },
  };
}

export function kindOf(apiVersion: string, kind: string): Resource<Manifest> {
  return {
    group: groupOf(apiVersion),
    version: apiVersion.split('/').at(-1) ?? '',
    kind,
    plural: `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`,
    namespaced: !CLUSTER_WIDE.includes(kind),
  };
}
