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
} from './lab-cluster.ts';
import type { WebhookLab } from './lab-program.ts';

const ADMISSION = 'gardener-extension-registry-cache-admission';
const RUNTIME = { namespace: 'garden', name: ADMISSION, token: 'lab-admission-runtime-token' };
const GARDEN = { namespace: 'kube-system', name: ADMISSION, token: 'lab-admission-garden-token' };

/**
 * A garden: two API servers and the accounts of the admission, in a network of their own. The accounts have the rights that the charts
 * give, and no others, as in the recordings of the Go program.
 */
export interface AdmissionLab extends WebhookLab, AsyncDisposable {
  readonly place: PrivateNamespace;
  /** Cluster of the program: leader lease and certificates. */
  readonly runtime: LabCluster;
  /** Cluster of the Shoots. */
  readonly garden: LabCluster;
}

/** Starts the lab, which takes about 10 s. Needs the parts of the group api, helm, ip and busybox; root. */
export async function startAdmissionLab(): Promise<AdmissionLab> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const place = cleanup.use(await createPrivateNamespace());
  const [runtime, garden] = await Promise.all([
    startLabCluster({ place, own, cleanup }, RUNTIME),
    startLabCluster({ place, own, cleanup }, GARDEN),
  ]);
  await Promise.all([
    prepareCluster(
      runtime,
      ['garden', 'extension-registry-cache'],
      await chartRights(own, CHARTS.runtime, 'garden'),
    ),
    prepareCluster(
      garden,
      ['garden-p', 'extension-extension-registry-cache'],
      // The admission looks up nothing of a Shoot but its resource.
      [
        ...(await chartRights(own, CHARTS.application, 'kube-system')),
        anyResource('core.gardener.cloud', 'v1beta1', 'Shoot'),
      ],
    ),
  ]);

  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `mkdir -p ${account} && cd ${account} && cp ${runtime.server.authority} ca.crt
    printf %s ${RUNTIME.token} > token && printf %s garden > namespace`;
  const [command, ...args] = [...place.enter, 'sh', '-ec', script];
  await run(command, args, {});

  const resources = cleanup.move();
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
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
