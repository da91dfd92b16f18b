/** gardenlet and gardener-resource-manager in a lab, as far as the extension needs them. */
import { MANAGED_RESOURCES } from '../../src/gardener/managed-resources/managed-resource.ts';
import type { ExtensionLab } from './extension-lab.ts';
import { createLabClient, watchLab } from './lab-client.ts';
import { list, type LabObject } from './lab-objects.ts';
import { startLabManager } from './lab-resource-manager.ts';
import { baseShoot } from './recorded-admission.ts';

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

  await using cleanup = new AsyncDisposableStack();
  const client = async (cluster: typeof seed) =>
    cleanup.adopt(await createLabClient(lab, cluster), (one) => one.close());
  const clients = { seed: await client(seed), shoot: await client(shoot) };
  const watched = cleanup.use(await watchLab(clients.seed, MANAGED_RESOURCES));
  cleanup.use(startLabManager({ ...clients, resources: watched.objects }, { namespace }));
  const owned = cleanup.move();

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
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
