/** The chart and its manifests at a real API server: what it accepts, what an update and an uninstall leave, and Pod Security. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { CHART, createHelm, type Helm } from '../cluster/helm.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import { tempDir, waitFor } from '../kit/index.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';
import { chartObjects, type ChartObject, type PodSpec, type Workload } from './chart-objects.ts';

const NAMESPACE = 'larder-system';
const VALUES = { image: { repository: 'registry.example.com/larder' } };
const SETTINGS = ['--namespace', NAMESPACE, '--set=image.repository=registry.example.com/larder'];
const KINDS = [
  'deployment,daemonset,job,service,networkpolicy,poddisruptionbudget,serviceaccount,role,rolebinding',
  'clusterrole,clusterrolebinding,customresourcedefinition',
].join(',');

describe('the chart at a real API server', requireParts([...GROUPS.api, 'helm']), () => {
  const resources = new AsyncDisposableStack();
  after(() => resources.disposeAsync());
  const home = resources.use(tempDir());
  let api: ApiServer;
  let helm: Helm;

  before(async () => {
    api = resources.use(await startApiServer());
    helm = createHelm({ home: home.path, kubeconfig: api.kubeconfig });
    await api.kubectl('create', 'namespace', NAMESPACE);
    await enforce(NAMESPACE, 'privileged');
  });

  const enforce = (namespace: string, level: string) =>
    api.kubectl('label', 'namespace', namespace, `pod-security.kubernetes.io/enforce=${level}`);
  const ofTheChart = async () => {
    const label = '--selector=app.kubernetes.io/part-of=larder';
    const names = await api.kubectl('get', KINDS, '--namespace', NAMESPACE, label, '--output=name');
    return names.split('\n').filter((name) => name !== '');
  };

  test('is installed, updated in place, and leaves nothing but the CRDs when it is uninstalled', async () => {
    const told = await helm('install', 'larder', CHART, ...SETTINGS);
    assert.match(told, /kind: RegistryConfig/);
    assert.match(told, /kubectl get registryconfigs --all-namespaces/);
    const installed = await ofTheChart();
    assert.equal(installed.length, 18);

    await helm('upgrade', 'larder', CHART, ...SETTINGS, '--set=operator.replicas=2');
    const added = (await ofTheChart()).filter((name) => !installed.includes(name));
    assert.deepEqual(added, ['poddisruptionbudget.policy/larder-operator']);

    await helm('uninstall', 'larder', '--namespace', NAMESPACE, '--no-hooks');
    assert.deepEqual(
      await ofTheChart(),
      installed.filter((name) => name.startsWith('customresourcedefinition')),
    );
  });

  test('is installed again over the CRDs that an uninstall has kept, and takes them away when told to', async () => {
    await helm('install', 'larder', CHART, ...SETTINGS, '--set=crds.keep=false');
    await helm('uninstall', 'larder', '--namespace', NAMESPACE, '--no-hooks');
    // The API server removes all objects of a kind before the kind itself.
    await waitFor(async () => (await ofTheChart()).length === 0, { what: 'the end of the CRDs' });
  });

  test('updates CRDs with the release: a field that an old one lacks is there afterwards', async () => {
    const crd = 'crd/registryconfigs.registry.extensions.gardener.cloud';
    const field =
      '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/caches/items/properties/freshness';
    await helm('install', 'larder', CHART, ...SETTINGS);
    const removal = JSON.stringify([{ op: 'remove', path: field }]);
    await api.kubectl('patch', crd, '--type=json', '--patch', removal);
    await helm('upgrade', 'larder', CHART, ...SETTINGS);
    assert.match(await api.kubectl('get', crd, '--output=json'), /"freshness"/);
    await helm('uninstall', 'larder', '--namespace', NAMESPACE, '--no-hooks');
  });

  test('leaves the CRDs, and objects of their kinds, to whom they are handed over', async () => {
    await helm('install', 'larder', CHART, ...SETTINGS);
    const crds = (await ofTheChart()).filter((name) => name.startsWith('customresourcedefinition'));
    await helm('upgrade', 'larder', CHART, ...SETTINGS, '--set=crds.install=false');
    await helm('uninstall', 'larder', '--namespace', NAMESPACE, '--no-hooks');
    assert.equal(crds.length, 2);
    assert.deepEqual(await ofTheChart(), crds);
  });

  test('takes over CRDs that came by other means when told to, and only then', async () => {
    await using fresh = await startApiServer();
    const other = createHelm({ home: home.path, kubeconfig: fresh.kubeconfig });
    await fresh.kubectl('apply', '--filename', pathOf('crds'));
    const install = (...more: string[]) =>
      other('install', 'larder', CHART, ...SETTINGS, '--create-namespace', ...more);
    await assert.rejects(install(), /cannot be imported into the current release: invalid ownership/);
    await install('--take-ownership');
  });

  test('as manifests is accepted as it is, by an API server that has nothing of it', async () => {
    await using fresh = await startApiServer();
    const apply = (name: string) => fresh.kubectl('apply', '--server-side', '--filename', pathOf(name));
    await apply('install.yaml');
    await apply('uninstall.yaml');
    const level = "jsonpath={.metadata.labels['pod-security\\.kubernetes\\.io/enforce']}";
    assert.equal(await fresh.kubectl('get', 'namespace', NAMESPACE, '--output', level), 'privileged');
  });

  for (const [name, level, refused] of [
    ['larder-operator', 'restricted', undefined],
    ['larder-uninstall', 'restricted', undefined],
    ['larder-test', 'restricted', undefined],
    ['larder-node-agent', 'privileged', undefined],
    [
      'larder-node-agent',
      'baseline',
      /violates PodSecurity "baseline:latest": host namespaces \(hostNetwork=true\)/,
    ],
  ] as const) {
    const decision = refused === undefined ? 'admits' : 'refuses';
    test(`Pod Security ${level} ${decision} the Pods of ${name}`, async () => {
      const namespace = `${name}-${level}`;
      await api.kubectl('create', 'namespace', namespace);
      await enforce(namespace, level);
      const spec = podSpecOf((await chartObjects(helm, VALUES)).all, name);
      await api.kubectl('create', 'serviceaccount', spec.serviceAccountName, '--namespace', namespace);
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec };
      const creation = api.kubectl.apply(pod);
      await (refused === undefined ? creation : assert.rejects(creation, refused));
    });
  }
});

/** Of what lies below `deploy/`. */
function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
}

/** Of a Pod, or of the Pods that a workload makes. */
function podSpecOf(objects: readonly ChartObject[], name: string): PodSpec {
  const pods = objects
    .filter(({ metadata }) => metadata.name === name)
    .map(({ kind, spec }) =>
      kind === 'Pod' ? (spec as PodSpec) : (spec as Workload['spec'])?.template?.spec,
    )
    .filter((spec) => spec !== undefined);
  assert.equal(pods.length, 1, name);
  return pods[0]!;
}
