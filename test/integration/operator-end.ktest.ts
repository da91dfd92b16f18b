import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ApiServer } from '../cluster/start-api-server.ts';
import { get as httpGet, parseMetrics, runLarder, waitFor } from '../kit/index.ts';
import {
  observer,
  operate,
  registryConfig,
  startOperatedApi,
  SYSTEM,
  TEAM,
  nodeReport,
} from '../operator/setting.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const QUICK = { limitMs: 40_000, everyMs: 100 };

describe('the end of an operator', requireParts([...GROUPS.api, 'kube-controller-manager']), () => {
  const cleanup = new AsyncDisposableStack();
  let api: ApiServer;
  let see: ReturnType<typeof observer>;

  before(async () => {
    api = cleanup.use(await startOperatedApi());
    see = observer(api.kubectl);
  });
  after(() => cleanup.disposeAsync());

  const leads = async ({ adminUrl }: { readonly adminUrl: string }): Promise<boolean> =>
    parseMetrics((await httpGet(`${adminUrl}/metrics`)).text()).sum('larder_kube_leader') === 1;

  test('of two operators one leads, and the other takes over when it ends, before its Lease expires', async () => {
    await using first = await operate({ kubeconfig: api.kubeconfig, identity: 'first' });
    await waitFor(() => leads(first), QUICK);
    await using second = await operate({ kubeconfig: api.kubeconfig, identity: 'second' });
    await waitFor(async () => (await httpGet(`${second.adminUrl}/readyz`)).status === 200, QUICK);
    assert.equal(await leads(second), false);
    await first.stop();
    const since = performance.now();
    await waitFor(() => leads(second), { ...QUICK, everyMs: 20 });
    // A Lease that is not released expires after 15 s.
    assert.ok(performance.now() - since < 10_000);
    await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
    await waitFor(() => see.get('statefulset', 'registry-docker-io'), QUICK);
  });

  test('ServiceMonitors are created when their CRD appears, with the configured labels, and deleted with their caches', async () => {
    await using _operator = await operate({
      kubeconfig: api.kubeconfig,
      identity: 'watched',
      serviceMonitorLabels: { release: 'prometheus' },
    });
    await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
    await waitFor(() => see.get('statefulset', 'registry-quay-io'), QUICK);
    await api.kubectl.apply(SERVICE_MONITOR_CRD);
    const monitor = await waitFor(
      () => see.get('servicemonitor', 'registry-quay-io').catch(() => undefined),
      QUICK,
    );
    assert.equal(monitor.metadata.labels?.['release'], 'prometheus');
    await api.kubectl('delete', 'registryconfig', 'quay', '--namespace', TEAM, '--timeout=50s');
    await waitFor(async () => (await see.get('servicemonitor', 'registry-quay-io')) === undefined, QUICK);
  });

  test('a ServiceMonitor of another owner stays, whatever its name', async () => {
    await api.kubectl.apply({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: { namespace: SYSTEM, name: 'registry-quay-io' },
    });
    const before = await see.get('servicemonitor', 'registry-quay-io');
    await using _operator = await operate({ kubeconfig: api.kubeconfig, identity: 'careful' });
    await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
    assert.match(
      await see.reason('quay', 'Progressing', 'Stuck'),
      /ServiceMonitor larder-system\/registry-quay-io exists and was not made by Larder/,
    );
    await api.kubectl('delete', 'registryconfig', 'quay', '--namespace', TEAM, '--timeout=50s');
    assert.deepEqual(await see.get('servicemonitor', 'registry-quay-io'), before);
  });

  test('caches run as the configured account, and as the default account without one', async () => {
    const runs = async (account: string, labels: Readonly<Record<string, string>>): Promise<boolean> => {
      const set = await see.get('statefulset', 'registry-docker-io');
      assert.ok(set);
      const { metadata, spec } = (set.spec as unknown as PodTemplate).template;
      return (
        spec.serviceAccountName === account &&
        metadata.labels['azure.workload.identity/use'] === labels['azure.workload.identity/use']
      );
    };
    const podLabels = { 'azure.workload.identity/use': 'true' };
    const named = { serviceAccountName: 'larder-cache', podLabels };
    await using first = await operate({ kubeconfig: api.kubeconfig, identity: 'named', ...named });
    await waitFor(() => runs('larder-cache', podLabels), QUICK);
    await first.stop();
    await using _second = await operate({ kubeconfig: api.kubeconfig, identity: 'unnamed' });
    await waitFor(() => runs('default', {}), QUICK);
  });

  test('an uninstall removes everything after the nodes have confirmed, and leaves objects of users without a finalizer', async () => {
    await using operator = await operate({ kubeconfig: api.kubeconfig, identity: 'third' });
    await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
    const { revision } = await waitFor(async () => {
      const now = await see.document();
      return now.caches.length === 1 ? now : undefined;
    }, QUICK);
    await api.kubectl.apply(nodeReport('n1', revision, 'docker.io'));
    // In a cluster the uninstall scales the Deployment to zero, which ends the operator. This test has no Deployment.
    await operator.stop();
    const args = [
      'operator',
      '--uninstall',
      '--kubeconfig',
      api.kubeconfig,
      '--namespace',
      SYSTEM,
      '--log-format=json',
    ];
    const ending = runLarder(args);
    await waitFor(async () => (await see.document()).revision === '', {
      ...QUICK,
      what: 'nodes to be turned away',
    });
    assert.ok(await see.get('statefulset', 'registry-docker-io'), 'the cache was removed too early');
    await api.kubectl.apply(nodeReport('n1', ''));
    const { code, stderr } = await ending;
    assert.equal(code, 0, stderr);
    assert.deepEqual(await see.ours(), []);
    const object = await see.get('registryconfig', 'hub', TEAM);
    assert.deepEqual([object?.metadata.finalizers, object?.status], [undefined, {}]);
    const leases = await api.kubectl('get', 'leases', '--namespace', SYSTEM, '--output=name');
    assert.equal(leases.trim(), 'lease.coordination.k8s.io/larder-node-n1');
    const left = await waitFor(
      async () =>
        (await api.kubectl('get', 'pods,pvc', '--namespace', SYSTEM, '--output=name')) === '' ? 'none' : '',
      QUICK,
    );
    assert.equal(left, 'none');
  });
});

interface PodTemplate {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: { readonly serviceAccountName: string };
  };
}

/** Minimal CRD by which an API server stores ServiceMonitors. */
const SERVICE_MONITOR_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors', singular: 'servicemonitor' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
