/** gardenlet and gardener-resource-manager in a lab, as far as the extension needs them. */
import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExtensionLab } from './extension-lab.ts';
import { list, type LabObject } from './lab-objects.ts';
import { baseShoot } from './recorded-admission.ts';
import { GRM_FINALIZER } from './resource-manager.ts';
import { manifestsOf, type AnyObject } from './recorded-snapshot.ts';

const SERVICES = '/api/v1/namespaces/kube-system/services';
const EXTENSIONS = '/apis/extensions.gardener.cloud/v1alpha1';

export interface LabShoot extends AsyncDisposable {
  readonly namespace: string;
  /** Writes an Extension and asks for a reconcile. */
  apply(type: string, providerConfig?: object): Promise<void>;
  delete(type: string): Promise<void>;
  find(type: string): Promise<LabObject | undefined>;
}

/** Creates a shoot's namespace with Cluster and access to its API server. ManagedResources are handled until it is disposed. */
export async function createLabShoot(lab: ExtensionLab, namespace: string): Promise<LabShoot> {
  const { seed, shoot } = lab;
  const extensions = `${EXTENSIONS}/namespaces/${namespace}/extensions`;
  const resources = `/apis/resources.gardener.cloud/v1alpha1/namespaces/${namespace}/managedresources`;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  await seed.server.kubectl.apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { 'gardener.cloud/role': 'shoot' } },
  });
  await seed.server.kubectl.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'gardener-internal', namespace },
      stringData: { kubeconfig: lab.shootKubeconfig },
    },
    {
      apiVersion: 'extensions.gardener.cloud/v1alpha1',
      kind: 'Cluster',
      metadata: { name: namespace },
      spec: { shoot: baseShoot(), seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } },
    },
  );

  /** Names of the Services of each ManagedResource. Its Secrets may be gone before it. */
  const applied = new Map<string, readonly string[]>();

  async function handle(resource: LabObject): Promise<void> {
    const { metadata } = resource;
    const path = `${resources}/${metadata.name}`;
    const { finalizers = [] } = metadata;
    const before = applied.get(metadata.name) ?? [];
    if (metadata.deletionTimestamp !== undefined) {
      for (const name of before) await shoot.requests('DELETE', `${SERVICES}/${name}`);
      const others = finalizers.filter((one) => one !== GRM_FINALIZER);
      await seed.requests('PUT', path, { ...resource, metadata: { ...metadata, finalizers: others } });
      return;
    }
    const { observedGeneration } = (resource.status ?? {}) as { observedGeneration?: number };
    if (observedGeneration === metadata.generation) return;
    const manifests: AnyObject[] = [];
    const { secretRefs: refs = [] } = (resource.spec ?? {}) as { secretRefs?: { name: string }[] };
    for (const { name } of refs)
      manifests.push(...manifestsOf((await seed.requests('GET', `${secrets}/${name}`)) as AnyObject));
    const services = manifests.filter(({ kind }) => kind === 'Service');
    const wanted = services.map((service) => service.metadata.name);
    for (const service of services) await shoot.requests('POST', SERVICES, service);
    for (const name of before)
      if (!wanted.includes(name)) await shoot.requests('DELETE', `${SERVICES}/${name}`);
    applied.set(metadata.name, wanted);
    const held = (await seed.requests('PUT', path, {
      ...resource,
      metadata: { ...metadata, finalizers: [...new Set([...finalizers, GRM_FINALIZER])] },
    })) as LabObject;
    const conditions = ['ResourcesApplied', 'ResourcesHealthy'].map((type) => ({ type, status: 'True' }));
    const status = { observedGeneration: metadata.generation, conditions };
    await seed.requests('PUT', `${path}/status`, { ...held, status });
  }

  const ended = new AbortController();
  const managing = (async () => {
    while (!ended.signal.aborted) {
      for (const resource of await list(seed, resources)) await handle(resource);
      await pause(50);
    }
  })();

  const find = async (type: string): Promise<LabObject | undefined> =>
    (await list(seed, extensions)).find(({ metadata }) => metadata.name === type);
  return {
    namespace,
    find,
    async apply(type, providerConfig) {
      const before = await find(type);
      const annotations = { 'gardener.cloud/operation': 'reconcile' };
      const object = {
        ...(before ?? { apiVersion: 'extensions.gardener.cloud/v1alpha1', kind: 'Extension' }),
        metadata: { name: type, namespace, ...before?.metadata, annotations },
        spec: { type, providerConfig },
      };
      if (before === undefined) await seed.requests('POST', extensions, object);
      else await seed.requests('PUT', `${extensions}/${type}`, object);
    },
    async delete(type) {
      await seed.requests('DELETE', `${extensions}/${type}`);
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await managing;
    },
  };
}
