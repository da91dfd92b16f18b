/** Whose the objects of a cache are, and what follows when somebody, or a spec, says otherwise. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONFIG_MAPS } from '../../src/node-agent/nodes-config-map.ts';
import {
  CLAIMS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SECRETS,
  REGISTRY_CONFIGS,
  SERVICES,
  STATEFUL_SETS,
} from '../../src/operator/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import { registryConfig, SYSTEM, TEAM, type Held } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
const HOLDER = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/hub' };
const OBJECTS: Record<string, [Resource, string]> = {
  Service: [SERVICES, KEY],
  StatefulSet: [STATEFUL_SETS, KEY],
  NetworkPolicy: [NETWORK_POLICIES, KEY],
  PodDisruptionBudget: [DISRUPTION_BUDGETS, KEY],
  ConfigMap: [CONFIG_MAPS, `${KEY}-config`],
  'Secret with its logins': [SECRETS, `${KEY}-secrets`],
  'Secret with its certificate': [SECRETS, `${KEY}-tls`],
};
const LONGER = { caches: [{ upstream: 'docker.io', garbageCollection: { ttl: '24h' } }] };

/** With a cache of docker.io, or another, that a node uses. */
async function withCache(cache: { readonly upstream: string } = { upstream: 'docker.io' }): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', cache));
  await cluster.until(() => cluster.document().caches.length === 1);
  cluster.report('n1', cluster.document().revision, cache.upstream);
  await cluster.pass(5_000);
  cleanup.move();
  return cluster;
}

/** Somebody changes annotations; undefined takes one off. */
function annotate(
  cluster: StandIn,
  resource: Resource,
  name: string,
  changes: Readonly<Record<string, string | undefined>>,
): void {
  const { metadata, ...rest } = cluster.get(resource, name) as Held;
  const annotations = JSON.parse(JSON.stringify({ ...metadata.annotations, ...changes })) as object;
  cluster.put(resource, { ...rest, metadata: { ...metadata, annotations } });
}

function unlabel(cluster: StandIn, resource: Resource, name: string): void {
  const { metadata, ...rest } = cluster.get(resource, name) as Held;
  const { 'app.kubernetes.io/managed-by': _, ...labels } = metadata.labels ?? {};
  cluster.put(resource, { ...rest, metadata: { ...metadata, labels } });
}

const isLabelled = (cluster: StandIn, resource: Resource, name: string): boolean =>
  cluster.get(resource, name)?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'larder-operator';

/** The claim that a StatefulSet of `annotations` has made, of `name`; its pod keeps it from going. */
function claimOf(annotations: Readonly<Record<string, string>>, name = KEY): object {
  const labels = { app: name, 'app.kubernetes.io/managed-by': 'larder-operator' };
  const finalizers = ['kubernetes.io/pvc-protection'];
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace: SYSTEM, name: `cache-volume-${name}-0`, labels, annotations, finalizers },
    spec: { resources: { requests: { storage: '10Gi' } } },
  };
}

/** As when its last pod has gone. */
function release(cluster: StandIn, name: string): void {
  const { metadata, ...rest } = cluster.get(CLAIMS, name) as Held;
  cluster.put(CLAIMS, { ...rest, metadata: { ...metadata, finalizers: [] } });
}

const isStuck = (cluster: StandIn, what: string) => () =>
  cluster
    .get(REGISTRY_CONFIGS, 'hub', TEAM)
    ?.status?.conditions?.some((one) => one.reason === 'Stuck' && one.message.includes(what));

const annotationsOf = (cluster: StandIn, resource: Resource, name: string) =>
  cluster.get(resource, name)?.metadata.annotations ?? {};

/** Whether it says that it is of the cache of docker.io that `hub` asks for. */
const isRight = (cluster: StandIn, resource: Resource, name: string) =>
  Object.entries(HOLDER).every(([key, value]) => annotationsOf(cluster, resource, name)[key] === value);

const configOf = (cluster: StandIn) => cluster.get(CONFIG_MAPS, `${KEY}-config`)?.data?.['config.yaml'] ?? '';

/** How often nodes were told. */
const documentsOf = (cluster: StandIn) =>
  cluster.api.requests.filter(
    ({ verb, path }) => verb === 'patch' && path.endsWith('/configmaps/larder-nodes'),
  ).length;

describe('an object of a cache that somebody has made out to be of', () => {
  const OTHERS = {
    'another object': { 'larder/asked-by': 'RegistryConfig team/other' },
    'another upstream of its name': { upstream: 'docker-io' },
    'another upstream': { upstream: 'quay.io' },
  };
  for (const [title, changes] of Object.entries(OTHERS)) {
    for (const [what, [resource, name]] of Object.entries(OBJECTS)) {
      test(`${title} is put right, and nothing else comes of it: the ${what}`, async () => {
        await using cluster = await withCache();
        const { revision } = cluster.document();
        const uids = () => Object.values(OBJECTS).map((one) => cluster.get(...one)?.metadata.uid);
        const before = uids();
        const documents = documentsOf(cluster);
        annotate(cluster, resource, name, changes);
        await cluster.until(() => isRight(cluster, resource, name));
        await cluster.pass(5_000);
        assert.ok(isRight(cluster, resource, name));
        assert.deepEqual(uids(), before);
        // Nor were nodes told anything meanwhile, which takes two seconds to take back.
        assert.equal(documentsOf(cluster), documents);
        assert.equal(cluster.document().revision, revision);
        cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
        await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
      });
    }
  }
});

describe('an object of a cache that has lost the label of ours', () => {
  for (const [what, [resource, name]] of Object.entries(OBJECTS))
    test(`has it again, and is the same as before: the ${what}`, async () => {
      await using cluster = await withCache();
      const before = cluster.get(resource, name)?.metadata.uid;
      unlabel(cluster, resource, name);
      await cluster.until(() => isLabelled(cluster, resource, name));
      assert.equal(cluster.get(resource, name)?.metadata.uid, before);
    });

  test('has it again: its claim', async () => {
    await using cluster = await withCache();
    const claim = `cache-volume-${KEY}-0`;
    cluster.put(CLAIMS, claimOf(HOLDER));
    await cluster.pass(2_000);
    unlabel(cluster, CLAIMS, claim);
    await cluster.until(() => isLabelled(cluster, CLAIMS, claim));
  });

  test('is left alone, and nothing of another cache: a claim that was kept', async () => {
    await using cluster = await startStandIn();
    const claim = `cache-volume-${KEY}-0`;
    cluster.put(CLAIMS, claimOf({ ...HOLDER, 'larder/asked-by': 'RegistryConfig team/other' }));
    unlabel(cluster, CLAIMS, claim);
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(isStuck(cluster, `${SYSTEM}/${claim} exists`));
    assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
    assert.equal(cluster.get(CLAIMS, claim)?.metadata.deletionTimestamp, undefined);
    release(cluster, claim);
    cluster.remove(CLAIMS, claim, SYSTEM);
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  });
});

test('an upstream that becomes another of the same name gets a cache of its own, once nodes have turned away from the one before', async () => {
  const [former, corrected] = ['my-registry.example.io', 'my.registry.example.io'];
  const name = 'registry-my-registry-example-io';
  await using cluster = await withCache({ upstream: former });
  const before = cluster.get(STATEFUL_SETS, name);
  cluster.edit(REGISTRY_CONFIGS, 'hub', { caches: [{ upstream: corrected }] });
  await cluster.until(() => cluster.document().caches.length === 0);
  await cluster.pass(30_000);
  assert.deepEqual(cluster.get(STATEFUL_SETS, name), before, 'changed before the node has turned away');
  assert.deepEqual(cluster.document().caches, []);

  cluster.report('n1', cluster.document().revision);
  await cluster.until(() => cluster.document().caches[0]?.upstream === corrected);
  const after = await cluster.until(() => cluster.get(STATEFUL_SETS, name));
  assert.notEqual(after.metadata.uid, before?.metadata.uid);
  assert.equal(after.metadata.annotations?.['upstream'], corrected);
});

describe('the volume of a cache', () => {
  const CLAIM = `cache-volume-${KEY}-0`;

  for (const [title, changes] of [
    ['nobody', { 'larder/asked-by': undefined }],
    ['another object', { 'larder/asked-by': 'RegistryConfig team/other' }],
    ['another upstream', { upstream: 'quay.io' }],
  ] as const) {
    test(`stays when somebody has made its claim out to be of ${title}, and so does all else of the cache`, async () => {
      await using cluster = await withCache();
      cluster.put(CLAIMS, claimOf(HOLDER));
      await cluster.pass(2_000);
      annotate(cluster, CLAIMS, CLAIM, changes);
      await cluster.until(() => isRight(cluster, CLAIMS, CLAIM));
      assert.equal(cluster.get(CLAIMS, CLAIM)?.metadata.deletionTimestamp, undefined);
      cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
      await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
    });
  }

  test('that is ending under it keeps nothing else of the cache from being looked after', async () => {
    await using cluster = await withCache();
    cluster.put(CLAIMS, claimOf(HOLDER));
    cluster.remove(CLAIMS, CLAIM, SYSTEM);
    cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
    await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
  });

  for (const [title, annotations, labels] of [
    ['another object', { ...HOLDER, 'larder/asked-by': 'RegistryConfig team/other' }, {}],
    ['another upstream of its name', { ...HOLDER, upstream: 'docker-io' }, {}],
    ['nobody', {}, {}],
    [
      'another upstream of its name, as its label says',
      { 'larder/asked-by': HOLDER['larder/asked-by'] },
      { 'upstream-host': 'docker-io' },
    ],
  ] as const) {
    test(`is never one that was kept of ${title}, and the status says what the cache waits for`, async () => {
      await using cluster = await startStandIn();
      const { metadata, ...rest } = claimOf(annotations) as Held;
      cluster.put(CLAIMS, { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } });
      cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
      await cluster.until(isStuck(cluster, 'ending'));
      assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
      release(cluster, CLAIM);
      await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
      assert.equal(cluster.get(CLAIMS, CLAIM), undefined);
    });
  }

  test('may be one that was kept of its own', async () => {
    await using cluster = await startStandIn();
    cluster.put(CLAIMS, claimOf({ 'larder/asked-by': HOLDER['larder/asked-by'] }));
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
    await cluster.until(() => annotationsOf(cluster, CLAIMS, CLAIM)['upstream'] === 'docker.io');
    assert.equal(cluster.get(CLAIMS, CLAIM)?.metadata.deletionTimestamp, undefined);
  });

  test('does not pass over to another upstream of the same name', async () => {
    const name = 'registry-my-registry-example-io';
    await using cluster = await withCache({ upstream: 'my-registry.example.io' });
    const { spec = {} } = cluster.get(STATEFUL_SETS, name) as Held;
    const [{ metadata }] = spec['volumeClaimTemplates'] as [
      { metadata: { annotations: Record<string, string> } },
    ];
    cluster.put(CLAIMS, claimOf(metadata.annotations, name));
    cluster.edit(REGISTRY_CONFIGS, 'hub', { caches: [{ upstream: 'my.registry.example.io' }] });
    await cluster.until(() => cluster.document().caches.length === 0);
    cluster.report('n1', cluster.document().revision);
    await cluster.until(isStuck(cluster, 'ending'));
    assert.equal(cluster.get(STATEFUL_SETS, name), undefined);
    release(cluster, `cache-volume-${name}-0`);
    await cluster.until(() => cluster.get(STATEFUL_SETS, name));
  });
});

describe('the name of a Service', () => {
  const QUAY = 'registry-quay-io';
  const upstreamAt = (cluster: StandIn, name: string) => annotationsOf(cluster, SERVICES, name)['upstream'];
  const endpoints = (cluster: StandIn) =>
    new Map(cluster.document().caches.map(({ upstream, endpoint }) => [upstream, endpoint]));
  const addressAt = (cluster: StandIn, name: string) =>
    `https://${String(cluster.get(SERVICES, name)?.spec?.['clusterIP'])}:5000`;

  test('passes to another cache only when nodes have turned away from the one that has it, and the status says so', async () => {
    await using cluster = await startStandIn();
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    cluster.put(REGISTRY_CONFIGS, registryConfig('young', { upstream: 'quay.io' }));
    await cluster.until(() => cluster.document().caches.length === 2);
    cluster.report('n1', cluster.document().revision, 'docker.io', 'quay.io');
    await cluster.pass(5_000);
    const before = cluster.get(SERVICES, QUAY);
    cluster.edit(REGISTRY_CONFIGS, 'hub', {
      caches: [{ upstream: 'docker.io', serviceNameSuffix: 'quay-io' }],
    });
    await cluster.until(isStuck(cluster, `Service ${SYSTEM}/${QUAY} is still that of the cache of quay.io`));
    await cluster.pass(30_000);
    assert.deepEqual(cluster.get(SERVICES, QUAY), before, 'taken from under the node');
    assert.ok(cluster.get(SERVICES, KEY), 'gone before the node has turned away');

    cluster.report('n1', cluster.document().revision);
    await cluster.until(() => endpoints(cluster).has('docker.io'));
    assert.equal(upstreamAt(cluster, QUAY), 'docker.io');
    assert.equal(endpoints(cluster).get('docker.io'), addressAt(cluster, QUAY));
    assert.notEqual(cluster.get(SERVICES, QUAY)?.metadata.uid, before?.metadata.uid);
    await cluster.until(() => !isStuck(cluster, 'still')());
    cluster.report('n1', cluster.document().revision, 'docker.io');
    await cluster.until(() => cluster.get(SERVICES, KEY) === undefined);
  });

  test('changes places with that of another cache, when nodes have turned away from both', async () => {
    const named = (docker: string, quay: string) => [
      { upstream: 'docker.io', serviceNameSuffix: docker },
      { upstream: 'quay.io', serviceNameSuffix: quay },
    ];
    await using cluster = await startStandIn();
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', ...named('a', 'b')));
    await cluster.until(() => cluster.document().caches.length === 2);
    cluster.report('n1', cluster.document().revision, 'docker.io', 'quay.io');
    await cluster.pass(5_000);
    const sets = () => [KEY, QUAY].map((name) => cluster.get(STATEFUL_SETS, name)?.metadata.uid);
    const before = sets();
    cluster.edit(REGISTRY_CONFIGS, 'hub', { caches: named('b', 'a') });
    await cluster.until(() => cluster.document().caches.length === 0);
    await cluster.pass(30_000);
    assert.equal(upstreamAt(cluster, 'registry-a'), 'docker.io', 'taken from under the node');
    assert.equal(upstreamAt(cluster, 'registry-b'), 'quay.io', 'taken from under the node');

    cluster.report('n1', cluster.document().revision);
    await cluster.until(() => cluster.document().caches.length === 2);
    assert.equal(endpoints(cluster).get('docker.io'), addressAt(cluster, 'registry-b'));
    assert.equal(endpoints(cluster).get('quay.io'), addressAt(cluster, 'registry-a'));
    assert.deepEqual(
      [upstreamAt(cluster, 'registry-a'), upstreamAt(cluster, 'registry-b')],
      ['quay.io', 'docker.io'],
    );
    assert.deepEqual(sets(), before);
    await cluster.until(() => !isStuck(cluster, 'still')());
  });

  test('passes on within one object, after the cache that had it has another', async () => {
    await using cluster = await startStandIn();
    const former = [{ upstream: 'docker.io', serviceNameSuffix: 'a' }, { upstream: 'quay.io' }];
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', ...former));
    await cluster.until(() => cluster.document().caches.length === 2);
    cluster.report('n1', cluster.document().revision, 'docker.io', 'quay.io');
    await cluster.pass(5_000);
    const caches = [{ upstream: 'docker.io' }, { upstream: 'quay.io', serviceNameSuffix: 'a' }];
    cluster.edit(REGISTRY_CONFIGS, 'hub', { caches });
    await cluster.until(() => endpoints(cluster).get('docker.io') === addressAt(cluster, KEY));
    await cluster.pass(10_000);
    assert.equal(upstreamAt(cluster, 'registry-a'), 'docker.io', 'taken from under the node');
    cluster.report('n1', cluster.document().revision, 'docker.io');
    await cluster.until(() => endpoints(cluster).has('quay.io'));
    assert.equal(endpoints(cluster).get('quay.io'), addressAt(cluster, 'registry-a'));
    assert.equal(cluster.get(SERVICES, QUAY), undefined);
  });
});

test('a cache goes with an object that somebody has made out to be of another upstream, which stands as before', async () => {
  await using cluster = await withCache();
  cluster.put(REGISTRY_CONFIGS, registryConfig('other', { upstream: 'quay.io' }));
  await cluster.until(() => cluster.document().caches.length === 2);
  const quay = await cluster.until(() => cluster.get(STATEFUL_SETS, 'registry-quay-io'));
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  annotate(cluster, NETWORK_POLICIES, KEY, { upstream: 'quay.io' });
  await cluster.until(() => cluster.document().caches.length === 1);
  cluster.report('n1', cluster.document().revision);
  await cluster.until(() => cluster.get(REGISTRY_CONFIGS, 'hub', TEAM) === undefined);
  assert.equal(cluster.get(NETWORK_POLICIES, KEY), undefined);
  assert.equal(cluster.get(STATEFUL_SETS, 'registry-quay-io')?.metadata.uid, quay.metadata.uid);
});
