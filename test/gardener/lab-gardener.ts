/** gardenlet and gardener-resource-manager in a lab, as far as the extension needs them. */
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import type { ExtensionLab } from './extension-lab.ts';
import { createLabClient, watchLab } from './lab-client.ts';
import { list, type LabObject } from './lab-objects.ts';
import { startLabManager } from './lab-resource-manager.ts';
import { baseShoot } from './recorded-admission.ts';

const EXTENSIONS = '/apis/extensions.gardener.cloud/v1alpha1';

/** A shoot in the seed, as gardenlet sees it. */
export interface SeedShoot {
  readonly namespace: string;
  /** Writes an Extension and asks for a reconcile. */
  apply(type: string, providerConfig?: object): Promise<void>;
  delete(type: string): Promise<void>;
  find(type: string): Promise<LabObject | undefined>;
}

export interface LabShoot extends SeedShoot, AsyncDisposable {}

/** Creates a shoot's namespace with Cluster and access to its API server. Its ManagedResources are handled until it is disposed. */
export async function createLabShoot(
  lab: ExtensionLab,
  namespace: string,
  document: object = baseShoot(),
): Promise<LabShoot> {
  const { seed, shoot } = lab;
  const created = await createSeedShoot(lab, namespace, document);
  await using cleanup = new AsyncDisposableStack();
  const client = async (cluster: typeof seed) =>
    cleanup.adopt(await createLabClient(lab, cluster), (one) => one.close());
  const clients = { seed: await client(seed), shoot: await client(shoot) };
  const watched = cleanup.use(await watchLab(clients.seed, MANAGED_RESOURCES));
  cleanup.use(startLabManager({ ...clients, resources: watched.objects }, { namespace }));
  const owned = cleanup.move();
  return { ...created, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Creates a shoot's namespace with Cluster and access to its API server. Its ManagedResources are the caller's. */
export async function createSeedShoot(
  { seed, shootKubeconfig }: Pick<ExtensionLab, 'seed' | 'shootKubeconfig'>,
  namespace: string,
  document: object = baseShoot(),
): Promise<SeedShoot> {
  const { requests } = seed;
  const extensions = `${EXTENSIONS}/namespaces/${namespace}/extensions`;
  const api = 'extensions.gardener.cloud/v1alpha1';
  await requests('POST', '/api/v1/namespaces', {
    metadata: { name: namespace, labels: { 'gardener.cloud/role': 'shoot' } },
  });
  await requests('POST', `/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: 'gardener-internal' },
    stringData: { kubeconfig: shootKubeconfig },
  });
  await requests('POST', `${EXTENSIONS}/clusters`, {
    apiVersion: api,
    kind: 'Cluster',
    metadata: { name: namespace },
    spec: { shoot: document, seed: { kind: 'Seed' }, cloudProfile: { kind: 'CloudProfile' } },
  });
  const find = async (type: string): Promise<LabObject | undefined> =>
    (await list(seed, extensions)).find(({ metadata }) => metadata.name === type);
  return {
    namespace,
    find,
    async apply(type, providerConfig) {
      const before = await find(type);
      const annotations = { 'gardener.cloud/operation': 'reconcile' };
      const object = {
        ...(before ?? { apiVersion: api, kind: 'Extension' }),
        metadata: { name: type, namespace, ...before?.metadata, annotations },
        spec: { type, providerConfig },
      };
      if (before === undefined) await requests('POST', extensions, object);
      else await requests('PUT', `${extensions}/${type}`, object);
    },
    async delete(type) {
      await requests('DELETE', `${extensions}/${type}`);
    },
  };
}
