/** Clusters of a lab: API servers in a network of their own, and accounts with the rights that the charts give, and no others. */
import { parseAllDocuments } from 'yaml';
import { createApiRequests, type ApiRequests } from '../cluster/api-requests.ts';
import { createHelm, WITHOUT_CLUSTER } from '../cluster/helm.ts';
import type { PrivateNamespace } from '../cluster/private-namespace.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import type { TempDir } from '../kit/temp.ts';

/** Cluster of a lab. Objects are read and written with an administrator's rights. */
export interface LabCluster {
  readonly server: ApiServer;
  readonly requests: ApiRequests;
}

/** Account of a program, and its token. */
export interface LabAccount {
  readonly namespace: string;
  readonly name: string;
  readonly token: string;
}

/** Place of all programs of a lab. */
export interface LabPlace {
  readonly place: PrivateNamespace;
  readonly own: TempDir;
  readonly cleanup: AsyncDisposableStack;
}

/** Starts an API server with these accounts, and with more flags. It is stopped with `cleanup`. */
export async function startLabCluster(
  at: LabPlace,
  accounts: readonly LabAccount[],
  flags: Readonly<Record<string, string>> = {},
): Promise<LabCluster> {
  const { place, own, cleanup } = at;
  const lines = accounts.map(({ namespace, name, token }) => {
    const user = `system:serviceaccount:${namespace}:${name}`;
    return `${token},${user},${token},"system:serviceaccounts,system:authenticated"\n`;
  });
  const server = await startApiServer({
    place,
    flags: {
      ...(accounts[0] && { 'token-auth-file': own.write(`${accounts[0].token}.csv`, lines.join('')) }),
      'disable-admission-plugins': 'ServiceAccount',
      ...flags,
    },
  });
  cleanup.use(server);
  return createLabCluster(at, server);
}

/** Creates the access to an API server that runs. */
export async function createLabCluster(
  { place, cleanup }: Pick<LabPlace, 'place' | 'cleanup'>,
  server: ApiServer,
): Promise<LabCluster> {
  const requests = createApiRequests({ ...server.access, server: await place.reach(server.access.server) });
  return { server, requests: cleanup.use(requests) };
}

/** Creates namespaces and then objects. */
export async function prepareCluster(
  { server }: LabCluster,
  namespaces: readonly string[],
  objects: readonly object[],
): Promise<void> {
  const made = namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await server.kubectl.apply(...made);
  await server.kubectl.apply(...objects);
}

/** Renders the RBAC objects of a chart. */
export async function chartRights(own: TempDir, chart: string, namespace: string): Promise<object[]> {
  const helm = createHelm({ home: own.path });
  const image = '--set=image.repository=registry.example/larder,image.tag=lab';
  const text = await helm('template', 'lab', chart, '-n', namespace, image, ...WITHOUT_CLUSTER);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as { readonly kind: string })
    .filter(({ kind }) => /^(?:Cluster)?Role(?:Binding)?$/.test(kind));
}

/** Kubeconfig of a program, as it reaches a cluster in the lab. */
export function kubeconfigWithToken({ server: { access, authority } }: LabCluster, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: access.server, 'certificate-authority': authority } }],
    users: [{ name: 'lab', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
  });
}

/** Defines a resource whose objects may have any fields. */
export function anyResource(
  group: string,
  version: string,
  kind: string,
  { scope = 'Namespaced', status = false } = {},
): object {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, singular, kind, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema,
          ...(status && { subresources: { status: {} } }),
        },
      ],
    },
  };
}
