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

const QUICK = { limitMs: 20_000, everyMs: 100 };

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

  test('of two, one works, and the other goes on within 3 s of its end', async () => {
    await using first = await operate({ kubeconfig: api.kubeconfig, identity: 'first' });
    await waitFor(() => leads(first), QUICK);
    await using second = await operate({ kubeconfig: api.kubeconfig, identity: 'second' });
    await waitFor(async () => (await httpGet(`${second.adminUrl}/readyz`)).status === 200, QUICK);
    assert.equal(await leads(second), false);
    await first.stop();
    const since = performance.now();
    await waitFor(() => leads(second), { ...QUICK, everyMs: 20 });
    assert.ok(performance.now() - since < 5_000);
    await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
    await waitFor(() => see.get('statefulset', 'registry-docker-io'), QUICK);
  });

  test('a ServiceMonitor comes with a cache where Prometheus has its operator, and goes with it', async () => {
    await api.kubectl.apply(SERVICE_MONITOR_CRD);
    await api.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s');
    await using _operator = await operate({ kubeconfig: api.kubeconfig, identity: 'watched' });
    await api.kubectl.apply(registryConfig('quay', { upstream: 'quay.io' }));
    await waitFor(() => see.get('servicemonitor', 'registry-quay-io'), QUICK);
    await api.kubectl('delete', 'registryconfig', 'quay', '--namespace', TEAM, '--timeout=20s');
    await waitFor(async () => (await see.get('servicemonitor', 'registry-quay-io')) === undefined, QUICK);
  });

  test('an uninstall takes everything away, waits for the nodes, and leaves the objects of users without a finalizer', async () => {
    await using operator = await operate({ kubeconfig: api.kubeconfig, identity: 'third' });
    await api.kubectl.apply(registryConfig('hub', { upstream: 'docker.io' }));
    const { revision } = await waitFor(async () => {
      const now = await see.document();
      return now.caches.length === 1 ? now : undefined;
    }, QUICK);
    await api.kubectl.apply(nodeReport('n1', revision, 'docker.io'));
    // In a cluster the end of its Pod ends it: the uninstall scales the Deployment, of which there is none here.
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
    assert.ok(await see.get('statefulset', 'registry-docker-io'), 'the cache went before the nodes');
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

/** As much of it as an API server needs to keep such objects. */
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
