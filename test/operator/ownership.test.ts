/** Ownership of the objects of a cache, and the effect of manual edits and of new specs on it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import {
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SECRETS,
  REGISTRY_CONFIGS,
  SERVICES,
  STATEFUL_SETS,
} from '../../src/operator/cluster/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import {
  annotate,
  annotationsOf,
  configOf,
  isLabelled,
  isRight,
  isStuck,
  KEY,
  LONGER,
  unlabel,
  withCache,
} from './hub-cache.ts';
import { registryConfig, SYSTEM, TEAM } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const OBJECTS: Record<string, [Resource, string]> = {
  Service: [SERVICES, KEY],
  StatefulSet: [STATEFUL_SETS, KEY],
  NetworkPolicy: [NETWORK_POLICIES, KEY],
  PodDisruptionBudget: [DISRUPTION_BUDGETS, KEY],
  ConfigMap: [CONFIG_MAPS, `${KEY}-config`],
  'Secret with its logins': [SECRETS, `${KEY}-secrets`],
  'Secret with its certificate': [SECRETS, `${KEY}-tls`],
};

/** Number of writes of the node document. */
const documentsOf = (cluster: StandIn) =>
  cluster.api.requests.filter(
    ({ verb, path }) => verb === 'patch' && path.endsWith('/configmaps/larder-nodes'),
  ).length;

describe('an object of a cache that was edited by hand to belong to', () => {
  const OTHERS = {
    'another object': { 'larder/asked-by': 'RegistryConfig team/other' },
    'another upstream of its name': { upstream: 'docker-io' },
    'another upstream': { upstream: 'quay.io' },
  };
  for (const [title, changes] of Object.entries(OTHERS)) {
    for (const [what, [resource, name]] of Object.entries(OBJECTS)) {
      test(`${title} is put back without any other effect: the ${what}`, async () => {
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
        // The node document was not written either: to take a change back would need two seconds.
        assert.equal(documentsOf(cluster), documents);
        assert.equal(cluster.document().revision, revision);
        cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
        await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
      });
    }
  }
});

describe('an object of a cache whose label was taken off', () => {
  for (const [what, [resource, name]] of Object.entries(OBJECTS))
    test(`gets it back, and is still the same object: the ${what}`, async () => {
      await using cluster = await withCache();
      const before = cluster.get(resource, name)?.metadata.uid;
      unlabel(cluster, resource, name);
      await cluster.until(() => isLabelled(cluster, resource, name));
      assert.equal(cluster.get(resource, name)?.metadata.uid, before);
    });
});

test('another upstream of the same name gets its own cache, once nodes have turned away from the previous one', async () => {
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

describe('the name of a Service', () => {
  const QUAY = 'registry-quay-io';
  const upstreamAt = (cluster: StandIn, name: string) => annotationsOf(cluster, SERVICES, name)['upstream'];
  const endpoints = (cluster: StandIn) =>
    new Map(cluster.document().caches.map(({ upstream, endpoint }) => [upstream, endpoint]));
  const addressAt = (cluster: StandIn, name: string) =>
    `https://${String(cluster.get(SERVICES, name)?.spec?.['clusterIP'])}:5000`;

  test('passes to another cache only after nodes have turned away from its cache, and the status says so', async () => {
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
    await cluster.until(isStuck(cluster, `Service ${SYSTEM}/${QUAY} still belongs to the cache of quay.io`));
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

  test('is swapped with that of another cache, after nodes have turned away from both', async () => {
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

  test('passes to another cache of the same object, after its cache has a new one', async () => {
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
    await cluster.until(() => cluster.get(SERVICES, QUAY) === undefined);
  });
});

test('a cache is removed with an object that was edited to name another upstream, whose cache stays unchanged', async () => {
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
