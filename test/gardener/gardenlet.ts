import type { MergePatch } from '../../src/kube/types.ts';
import { OPERATION } from '../../src/gardener/extensions/extension-facts.ts';
import type { Extension } from '../../src/gardener/extensions/resources.ts';
import type { ApiServer } from '../kube/api-server.ts';
import type { SentObject } from '../kube/api-store.ts';
import { mergePatched } from '../kube/merge-patch.ts';

export const IN_EXTENSIONS = 'extensions.gardener.cloud/v1alpha1/extensions';
export const IN_CLUSTERS = 'extensions.gardener.cloud/v1alpha1/clusters';
const API = 'extensions.gardener.cloud/v1alpha1';

export interface Applied {
  readonly type: string;
  /** The type by default. */
  readonly name?: string;
  readonly class?: string;
  readonly providerConfig?: unknown;
  /** `reconcile` by default; null for none. */
  readonly operation?: string | null;
}

/** Changes objects of a seed as gardenlet does: without a look at what controllers have made of them. */
export interface Gardenlet {
  /** Creates a namespace and its Cluster. */
  createShoot(
    namespace: string,
    options?: { readonly labels?: MergePatch; readonly cluster?: boolean },
  ): void;
  /** Changes the Shoot in the Cluster. */
  patchShoot(namespace: string, patch: MergePatch): void;
  putCluster(namespace: string): void;
  deleteCluster(namespace: string): void;
  /** Creates or updates an Extension, and asks for an operation. */
  apply(namespace: string, applied: Applied): void;
  annotate(namespace: string, name: string, operation: string): void;
  patchExtension(namespace: string, name: string, patch: MergePatch): void;
  delete(namespace: string, name: string): void;
  /** Removes an object with all its finalizers. */
  remove(namespace: string, name: string): void;
  find(namespace: string, name: string): Extension | undefined;
}

export function createGardenlet(api: ApiServer): Gardenlet {
  const { store } = api;
  let timestamp = 0;
  const shoots = new Map<string, object>();

  const annotations = (operation: string | null) => ({
    ...(operation !== null && { [OPERATION]: operation }),
    'gardener.cloud/timestamp': `2026-11-30T20:00:00.${String((timestamp += 1)).padStart(9, '0')}Z`,
  });

  function putCluster(namespace: string): void {
    const spec = {
      shoot: shoots.get(namespace),
      seed: { kind: 'Seed' },
      cloudProfile: { kind: 'CloudProfile' },
    };
    api.put(IN_CLUSTERS, { apiVersion: API, kind: 'Cluster', metadata: { name: namespace }, spec });
  }

  function patchExtension(namespace: string, name: string, patch: MergePatch): void {
    const key = { collection: IN_EXTENSIONS, namespace, name };
    store.replace(key, mergePatched(store.get(key), patch));
  }

  return {
    createShoot(namespace, { labels = {}, cluster = true } = {}) {
      const all = mergePatched({ 'gardener.cloud/role': 'shoot' }, labels);
      api.put('v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: all },
      });
      shoots.set(namespace, {
        kind: 'Shoot',
        metadata: {},
        status: { lastOperation: { state: 'Processing' } },
      });
      if (cluster) putCluster(namespace);
    },
    patchShoot(namespace, patch) {
      shoots.set(namespace, mergePatched(shoots.get(namespace) ?? {}, patch));
      putCluster(namespace);
    },
    putCluster,
    deleteCluster: (namespace) => api.remove(IN_CLUSTERS, namespace),
    apply(namespace, { type, name = type, operation = 'reconcile', class: ofClass, providerConfig }) {
      const key = { collection: IN_EXTENSIONS, namespace, name };
      const spec = { type, ...(ofClass !== undefined && { class: ofClass }), providerConfig };
      const before = store.find(key);
      const metadata = { name, namespace, ...before?.metadata, resourceVersion: undefined };
      const asked = { ...(before?.metadata['annotations'] as object | undefined), ...annotations(operation) };
      const object = {
        ...before,
        apiVersion: API,
        kind: 'Extension',
        metadata: { ...metadata, annotations: asked },
        spec,
      };
      const sent = JSON.parse(JSON.stringify(object)) as SentObject;
      if (before === undefined) store.create(key, sent);
      else store.replace(key, sent);
    },
    annotate: (namespace, name, operation) =>
      patchExtension(namespace, name, {
        metadata: { annotations: annotations(operation) },
      }),
    patchExtension,
    delete(namespace, name) {
      const confirmed = { 'confirmation.gardener.cloud/deletion': 'true' };
      patchExtension(namespace, name, { metadata: { annotations: confirmed } });
      store.delete({ collection: IN_EXTENSIONS, namespace, name });
    },
    remove(namespace, name) {
      const key = { collection: IN_EXTENSIONS, namespace, name };
      store.delete(key);
      if (store.find(key) !== undefined) patchExtension(namespace, name, { metadata: { finalizers: null } });
    },
    find: (namespace, name) => store.find({ collection: IN_EXTENSIONS, namespace, name }),
  };
}
