/** gardenlet at a real API server: changes the objects of one shoot in the seed. */
import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import { EXTENSIONS, NAMESPACES, type Extension } from '../../src/gardener/extensions/resources.ts';
import { CLUSTERS } from '../../src/gardener/shoots/cluster.ts';
import { find } from '../../src/kube/objects/find.ts';
import { isConflict } from '../../src/kube/kube-error.ts';
import type { Intent, KubeClient, KubeObject, MergePatch, Resource } from '../../src/kube/types.ts';
import { SECRETS } from '../../src/operator/cluster/resources.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import type { TestSecret } from './caches-world.ts';
import type { Applied } from './gardenlet.ts';

export interface LabGardenlet {
  createNamespace(labels: MergePatch): Promise<void>;
  /** Writes the Cluster with this Shoot. */
  putCluster(shoot: object): Promise<void>;
  deleteCluster(): Promise<void>;
  putSecret(name: string, secret: TestSecret): Promise<void>;
  deleteSecret(name: string): Promise<void>;
  /** Creates or updates an Extension, and asks for an operation. Returns its version, like all methods below. */
  apply(applied: Applied): Promise<string | undefined>;
  annotate(name: string, operation: string): Promise<string | undefined>;
  patch(name: string, patch: MergePatch): Promise<string | undefined>;
  delete(name: string): Promise<void>;
  /** Removes an Extension with all its finalizers. */
  remove(name: string): Promise<void>;
}

const API = `${EXTENSIONS.group}/${EXTENSIONS.version}`;

const LABELS = {
  'gardener.cloud/role': 'shoot',
  'extensions.gardener.cloud/registry-cache': 'true',
  'extensions.gardener.cloud/registry-mirror': 'true',
};

export function createLabGardenlet(seed: KubeClient, namespace: string): LabGardenlet {
  const call = { signal: new AbortController().signal };
  let timestamp = 0;

  async function put<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await seed.apply(resource, object as Intent<T>, { ...call, fieldManager: 'gardenlet/lab', force: true });
  }

  const annotations = (operation: string | null): Record<string, string> => ({
    ...(operation !== null && { [OPERATION]: operation }),
    'gardener.cloud/timestamp': `2026-11-30T20:00:00.${String((timestamp += 1)).padStart(9, '0')}Z`,
  });

  async function patch(name: string, changes: MergePatch): Promise<string | undefined> {
    const { metadata } = await seed.mergePatch(EXTENSIONS, { namespace, name }, changes, call);
    return metadata.resourceVersion;
  }

  async function apply(applied: Applied): Promise<string | undefined> {
    const { type, name = type, operation = 'reconcile', class: ofClass, providerConfig } = applied;
    const before = await find(seed, EXTENSIONS, { namespace, name }, call.signal);
    const asked = { ...before?.metadata.annotations, ...annotations(operation) };
    const object: Extension = {
      ...before,
      apiVersion: API,
      kind: EXTENSIONS.kind,
      metadata: { name, namespace, ...before?.metadata, annotations: asked },
      spec: {
        type,
        ...(ofClass !== undefined && { class: ofClass }),
        ...((providerConfig ?? undefined) !== undefined && { providerConfig }),
      },
    };
    try {
      const written = await (before === undefined
        ? seed.create(EXTENSIONS, object, call)
        : seed.replace(EXTENSIONS, object, call));
      return written.metadata.resourceVersion;
    } catch (error) {
      // The controller has written in between.
      if (isConflict(error)) return apply(applied);
      throw error;
    }
  }

  async function remove(name: string): Promise<void> {
    const key = { namespace, name };
    await seed.delete(EXTENSIONS, key, call);
    if ((await find(seed, EXTENSIONS, key, call.signal)) !== undefined)
      await patch(name, { metadata: { finalizers: null } });
  }

  return {
    createNamespace(labels) {
      const all = mergePatched(LABELS, labels);
      return put(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: all },
      });
    },
    putCluster(shoot) {
      const spec = { shoot, seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } };
      return put(CLUSTERS, { apiVersion: API, kind: 'Cluster', metadata: { name: namespace }, spec });
    },
    deleteCluster: () => seed.delete(CLUSTERS, { name: namespace }, call),
    async putSecret(name, { data = {}, labels = {}, immutable }) {
      const entries = Object.entries(data).map(([key, value]) => [
        key,
        Buffer.from(String(value)).toString('base64'),
      ]);
      if (immutable === true) await seed.delete(SECRETS, { namespace, name }, call);
      await put(SECRETS, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace, labels: labels as Record<string, string> },
        type: 'Opaque',
        ...(immutable !== undefined && { immutable }),
        data: Object.fromEntries(entries) as Record<string, string>,
      });
    },
    deleteSecret: (name) => seed.delete(SECRETS, { namespace, name }, call),
    apply,
    annotate: (name, operation) => patch(name, { metadata: { annotations: annotations(operation) } }),
    patch,
    async delete(name) {
      const confirmed = { 'confirmation.gardener.cloud/deletion': 'true' };
      await patch(name, { metadata: { annotations: confirmed } });
      await seed.delete(EXTENSIONS, { namespace, name }, call);
    },
    remove,
  };
}
