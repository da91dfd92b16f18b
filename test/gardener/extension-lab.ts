/** A seed and a shoot: two real API servers, and `larder extension` with the rights of its chart and no others. */
import { join } from 'node:path';
import { createPrivateNamespace } from '../cluster/private-namespace.ts';
import { kubeconfigOf } from '../cluster/kubeconfig.ts';
import { tempDir } from '../kit/temp.ts';
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
import { startLabProgram, type FlagChanges, type LabProgram, type WebhookLab } from './lab-program.ts';

export const EXTENSION_NAMESPACE = 'extension-registry-cache';
const ACCOUNT = {
  namespace: EXTENSION_NAMESPACE,
  name: 'gardener-extension-registry-cache',
  token: 'lab-controller-token',
};

/** A seed: an API server, and an account with the rights of the extension's chart and no others. */
export interface SeedLab extends WebhookLab {
  readonly seed: LabCluster;
  /** Path of a component configuration. */
  readonly config: string;
}

export interface ExtensionLab extends SeedLab, AsyncDisposable {
  /** The first of the shoots. */
  readonly shoot: LabCluster;
  readonly shoots: readonly LabCluster[];
  /** Kubeconfig by which the program reaches the shoot. */
  readonly shootKubeconfig: string;
  /** Writes a file into the directory of the lab, and gives its path. */
  write(name: string, text: string): string;
}

/** Addresses of Services in a shoot, of both families. */
const SHOOT_FLAGS = { 'service-cluster-ip-range': '100.64.0.0/13,fd00:10::/112' };

/**
 * Starts the lab, which takes about 10 s, with this number of shoots. 0: seed and shoot are one cluster, as in a self-hosted shoot. Needs the
 * parts of the group api, helm, ip and busybox; root.
 */
export async function startExtensionLab({ shoots: count = 1 } = {}): Promise<ExtensionLab> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const place = cleanup.use(await createPrivateNamespace());
  const at = { place, own, cleanup };
  const [lab, ...others] = await Promise.all([
    startSeed(at, count === 0 ? SHOOT_FLAGS : {}),
    ...Array.from({ length: count }, () => startLabCluster(at, [], SHOOT_FLAGS)),
  ]);
  const shoots = count === 0 ? [lab.seed] : others;
  const shoot = shoots[0] as LabCluster;
  const resources = cleanup.move();
  return {
    ...lab,
    shoot,
    shoots,
    write: (name, text) => own.write(name, text),
    shootKubeconfig: kubeconfigOf(shoot.server.access),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Starts a seed in a place, with more flags of its API server. */
export async function startSeed(
  at: LabPlace,
  flags: Readonly<Record<string, string>> = {},
): Promise<SeedLab> {
  const { place, own } = at;
  const seed = await startLabCluster(at, [ACCOUNT], flags);
  const status = { status: true };
  const extensions = 'extensions.gardener.cloud';
  const monitoring = 'monitoring.coreos.com';
  await prepareCluster(
    seed,
    // The second one is that of an owner in a recorded start.
    [EXTENSION_NAMESPACE, 'garden'],
    [
      ...(await chartRights(own, CHARTS.controller, EXTENSION_NAMESPACE)),
      anyResource(extensions, 'v1alpha1', 'Extension', status),
      anyResource(extensions, 'v1alpha1', 'Cluster', { scope: 'Cluster' }),
      anyResource(extensions, 'v1alpha1', 'OperatingSystemConfig'),
      anyResource('resources.gardener.cloud', 'v1alpha1', 'ManagedResource', status),
      anyResource(monitoring, 'v1', 'PrometheusRule'),
      anyResource(monitoring, 'v1alpha1', 'ScrapeConfig'),
    ],
  );
  return {
    place,
    seed,
    directory: own.path,
    certDir: join(own.path, 'controller-certs'),
    configurations: {
      cluster: seed,
      path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    },
    secrets: { cluster: seed, path: `/api/v1/namespaces/${EXTENSION_NAMESPACE}/secrets` },
    leases: { cluster: seed, path: `/apis/coordination.k8s.io/v1/namespaces/${EXTENSION_NAMESPACE}/leases` },
    config: own.write('config.yaml', CONFIG),
    kubeconfig: own.write('controller.kubeconfig', kubeconfigWithToken(seed, ACCOUNT.token)),
    environment: {
      LEADER_ELECTION_NAMESPACE: EXTENSION_NAMESPACE,
      LARDER_IMAGE: 'registry.example/larder:lab',
    },
  };
}

const CONFIG = '---\napiVersion: config.registry.extensions.gardener.cloud/v1alpha1\nkind: Configuration\n';

/**
 * Starts `larder extension` in the lab, with the flags and the environment of the recordings. Does not wait until it is ready.
 */
export function startExtension(
  lab: SeedLab,
  changes: FlagChanges = {},
  environment: Readonly<Record<string, string>> = {},
): LabProgram {
  const flags = {
    '--config': lab.config,
    '--kubeconfig': lab.kubeconfig,
    '--max-concurrent-reconciles': 16,
    '--heartbeat-namespace': EXTENSION_NAMESPACE,
    '--heartbeat-renew-interval-seconds': 30,
    '--leader-election': 'false',
    '--leader-election-id': 'extension-registry-cache-leader-election',
    '--webhook-config-mode': 'url',
    '--webhook-config-url': '127.0.0.1:10250',
    '--webhook-config-namespace': EXTENSION_NAMESPACE,
    '--webhook-config-cert-dir': lab.certDir,
    '--webhook-config-server-port': 10250,
    '--metrics-bind-address': '127.0.0.1:8080',
    '--health-bind-address': '127.0.0.1:8081',
    '--gardener-version': 'v1.147.1',
  };
  return startLabProgram(lab, 'extension', { ...flags, ...changes }, environment);
}
