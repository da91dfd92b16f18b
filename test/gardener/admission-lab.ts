import { join } from 'node:path';
import { createPrivateNamespace, type PrivateNamespace } from '../cluster/private-namespace.ts';
import { tempDir } from '../kit/temp.ts';
import { run } from '../parts/run.ts';
import { CHARTS } from './charts.ts';
import {
  anyResource,
  chartRights,
  kubeconfigWithToken,
  prepareCluster,
  startLabCluster,
  type LabCluster,
  type LabPlace,
} from './lab-cluster.ts';
import type { WebhookLab } from './lab-program.ts';

const ADMISSION = 'gardener-extension-registry-cache-admission';
const RUNTIME = { namespace: 'garden', name: ADMISSION, token: 'lab-admission-runtime-token' };
const GARDEN = { namespace: 'kube-system', name: ADMISSION, token: 'lab-admission-garden-token' };

/** Accounts of the admission, in the cluster that it runs in and in that of the Shoots. */
export const ADMISSION_ACCOUNTS = { runtime: RUNTIME, garden: GARDEN };

/**
 * A garden: API servers and the accounts of the admission. The accounts have the rights that the charts give, and no others, as in the
 * recordings of the Go program.
 */
export interface GardenLab extends WebhookLab {
  readonly place: PrivateNamespace;
  /** Cluster of the program: leader lease and certificates. */
  readonly runtime: LabCluster;
  /** Cluster of the Shoots. */
  readonly garden: LabCluster;
}

/** A garden with two clusters, in a network of its own. */
export interface AdmissionLab extends GardenLab, AsyncDisposable {}

/** Starts the lab, which takes about 10 s. Needs the parts of the group api, helm, ip and busybox; root. */
export async function startAdmissionLab(): Promise<AdmissionLab> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const place = cleanup.use(await createPrivateNamespace());
  const at = { place, own, cleanup };
  const [runtime, garden] = await Promise.all([
    startLabCluster(at, [RUNTIME]),
    startLabCluster(at, [GARDEN]),
  ]);
  const lab = await prepareGarden(at, { runtime, garden });
  const resources = cleanup.move();
  return { ...lab, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Prepares two clusters, which may be the same one, for the admission. */
export async function prepareGarden(
  { place, own }: Pick<LabPlace, 'place' | 'own'>,
  { runtime, garden }: Pick<GardenLab, 'runtime' | 'garden'>,
): Promise<GardenLab> {
  await prepareCluster(
    runtime,
    ['garden', 'extension-registry-cache'],
    await chartRights(own, CHARTS.runtime, 'garden'),
  );
  await prepareCluster(
    garden,
    ['garden-p', 'extension-extension-registry-cache'],
    // The admission looks up nothing of a Shoot but its resource.
    [
      ...(await chartRights(own, CHARTS.application, 'kube-system')),
      anyResource('core.gardener.cloud', 'v1beta1', 'Shoot'),
    ],
  );

  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `mkdir -p ${account} && cd ${account} && cp ${runtime.server.authority} ca.crt
    printf %s ${RUNTIME.token} > token && printf %s garden > namespace`;
  const [command, ...args] = [...place.enter, 'sh', '-ec', script];
  await run(command, args, {});

  return {
    place,
    runtime,
    garden,
    directory: own.path,
    certDir: join(own.path, 'admission-certs'),
    configurations: {
      cluster: garden,
      path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    },
    secrets: { cluster: runtime, path: '/api/v1/namespaces/garden/secrets' },
    leases: {
      cluster: runtime,
      path: '/apis/coordination.k8s.io/v1/namespaces/extension-registry-cache/leases',
    },
    kubeconfig: own.write('admission-garden.kubeconfig', kubeconfigWithToken(garden, GARDEN.token)),
    environment: {
      LEADER_ELECTION_NAMESPACE: 'extension-registry-cache',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: new URL(runtime.server.access.server).port,
      LARDER_IMAGE: 'registry.example/larder:lab',
    },
  };
}
