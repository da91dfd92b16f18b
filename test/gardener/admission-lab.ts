import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createApiRequests, type ApiRequests } from '../cluster/api-requests.ts';
import { createHelm, WITHOUT_CLUSTER } from '../cluster/helm.ts';
import { createPrivateNamespace, type PrivateNamespace } from '../cluster/private-namespace.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import { tempDir } from '../kit/temp.ts';
import { run } from '../parts/run.ts';
import { CHARTS } from './charts.ts';

/** Account in the namespace garden of the runtime cluster, and its token. */
const RUNTIME_TOKEN = 'lab-admission-runtime-token';
const GARDEN_TOKEN = 'lab-admission-garden-token';

/** Cluster of the lab. Objects are read and written with an administrator's rights. */
export interface LabCluster {
  readonly server: ApiServer;
  readonly requests: ApiRequests;
}

/**
 * A garden: two API servers and the accounts of the admission, in a network of their own. The accounts have the rights that the charts
 * give, and no others, as in the recordings of the Go program.
 */
export interface AdmissionLab extends AsyncDisposable {
  readonly place: PrivateNamespace;
  /** Cluster of the program: leader lease and certificates. */
  readonly runtime: LabCluster;
  /** Cluster of the Shoots. */
  readonly garden: LabCluster;
  /** Directory for files of the program. */
  readonly directory: string;
  /** Kubeconfig of the program for the garden. */
  readonly kubeconfig: string;
  /** Environment of the program. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the lab, which takes about 10 s. Needs the parts of the group api, helm, ip and busybox; root. */
export async function startAdmissionLab(): Promise<AdmissionLab> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const place = cleanup.use(await createPrivateNamespace());
  const start = async (name: string, tokens: readonly (readonly [string, string])[]): Promise<LabCluster> => {
    const lines = tokens.map(([token, user]) => `${token},${user},${token},"${GROUPS}"`);
    const server = await startApiServer({
      place,
      flags: {
        'token-auth-file': own.write(`${name}-tokens.csv`, lines.join('\n')),
        'disable-admission-plugins': 'ServiceAccount',
      },
    });
    cleanup.use(server);
    const requests = createApiRequests({ ...server.access, server: await place.reach(server.access.server) });
    cleanup.use(requests);
    return { server, requests };
  };
  const [runtime, garden] = await Promise.all([
    start('runtime', [[RUNTIME_TOKEN, `system:serviceaccount:garden:${ADMISSION}`]]),
    start('garden', [[GARDEN_TOKEN, `system:serviceaccount:kube-system:${ADMISSION}`]]),
  ]);
  const helm = createHelm({ home: own.path });
  await Promise.all([
    prepare(runtime, ['garden', 'extension-registry-cache'], await rights(helm, CHARTS.runtime, 'garden')),
    prepare(
      garden,
      ['garden-p', 'extension-extension-registry-cache'],
      [...(await rights(helm, CHARTS.application, 'kube-system')), SHOOTS],
    ),
  ]);

  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `mkdir -p ${account} && cd ${account} && cp ${runtime.server.authority} ca.crt
    printf %s ${RUNTIME_TOKEN} > token && printf %s garden > namespace`;
  const [command, ...args] = [...place.enter, 'sh', '-ec', script];
  await run(command, args, {});

  const resources = cleanup.move();
  return {
    place,
    runtime,
    garden,
    directory: own.path,
    kubeconfig: own.write('admission-garden.kubeconfig', kubeconfigWithToken(garden.server, GARDEN_TOKEN)),
    environment: {
      LEADER_ELECTION_NAMESPACE: 'extension-registry-cache',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: new URL(runtime.server.access.server).port,
      LARDER_IMAGE: 'registry.example/larder:lab',
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const ADMISSION = 'gardener-extension-registry-cache-admission';
const GROUPS = 'system:serviceaccounts,system:authenticated';

/** The admission looks up nothing of a Shoot but its resource. */
const SHOOTS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'shoots.core.gardener.cloud' },
  spec: {
    group: 'core.gardener.cloud',
    scope: 'Namespaced',
    names: { plural: 'shoots', singular: 'shoot', kind: 'Shoot', listKind: 'ShootList' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

async function prepare({ server }: LabCluster, namespaces: readonly string[], objects: readonly object[]) {
  const made = namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await server.kubectl.apply(...made);
  await server.kubectl.apply(...objects);
}

/** Renders the RBAC objects of a chart. */
async function rights(
  helm: ReturnType<typeof createHelm>,
  chart: string,
  namespace: string,
): Promise<object[]> {
  const image = '--set=image.repository=registry.example/larder,image.tag=lab';
  const text = await helm('template', 'admission', chart, '-n', namespace, image, ...WITHOUT_CLUSTER);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as { readonly kind: string })
    .filter(({ kind }) => /^(?:Cluster)?Role(?:Binding)?$/.test(kind));
}

function kubeconfigWithToken({ access, authority }: ApiServer, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: access.server, 'certificate-authority': authority } }],
    users: [{ name: 'lab', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
  });
}

/** Directory of certificates in a lab. */
export function certDirOf({ directory }: AdmissionLab): string {
  return join(directory, 'admission-certs');
}
