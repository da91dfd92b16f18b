import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLarderError } from '../../src/kit/errors.ts';
import { LEASES } from '../../src/kube/leader-election/lease.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { NODES_CONFIG_MAP } from '../../src/fleet/nodes-config-map.ts';
import { LEASE_NAME } from '../../src/operator/cluster/marks.ts';
import {
  MIRROR_CONFIGS,
  NETWORK_POLICIES,
  REGISTRY_CONFIGS,
  SECRETS,
  SERVICES,
  STATEFUL_SETS,
} from '../../src/operator/cluster/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import { createTestPki } from '../kit/index.ts';
import { mirrorConfig, registryConfig, SYSTEM, TEAM, type Held } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
const CACHE = { upstream: 'docker.io', secretReferenceName: 'hub-login' };
/** Invalid, but CEL cannot refuse it: the ttl is longer than a duration can be. */
const INVALID = { caches: [{ ...CACHE, garbageCollection: { ttl: '2562048h' } }] };

function secret(name: string, data: Readonly<Record<string, string>>): object {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: TEAM, name },
    data: Object.fromEntries(encoded),
  };
}

function bundleOf(bytes: number): string {
  const pem = createTestPki().caPem;
  return pem + '#'.repeat(bytes - pem.length);
}

function mirrors(name: string, upstream: string, secretName: string): object {
  return mirrorConfig(name, {
    upstream,
    hosts: [{ host: 'https://m.example', caBundleSecretReferenceName: secretName }],
  });
}

function conditionOf(cluster: StandIn, resource: Resource, name: string, type: string) {
  return cluster.get(resource, name, TEAM)?.status?.conditions?.find((one) => one.type === type);
}

async function messageOf(cluster: StandIn, resource: Resource, name: string, type: string, reason: string) {
  const condition = await cluster.until(() => {
    const now = conditionOf(cluster, resource, name, type);
    return now?.reason === reason ? now : undefined;
  }, `${name} to be ${type} for ${reason}`);
  return condition.message;
}

test('five hosts share one bundle of 220 KB, and a bundle that is too large is refused with its size', async () => {
  await using cluster = await startStandIn();
  cluster.put(SECRETS, secret('all', { 'bundle.crt': bundleOf(220 * 1024) }));
  cluster.put(SECRETS, secret('huge', { 'bundle.crt': bundleOf(256 * 1024 + 1) }));
  const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
    host: `https://${name}.example`,
    caBundleSecretReferenceName: 'all',
  }));
  cluster.put(MIRROR_CONFIGS, mirrorConfig('five', { upstream: 'quay.io', hosts }));
  cluster.put(MIRROR_CONFIGS, mirrors('huge', 'ghcr.io', 'huge'));
  await cluster.until(() => cluster.document().mirrors.length === 2);
  assert.equal(Object.keys(cluster.document().bundles).length, 1);
  assert.match(
    await messageOf(cluster, MIRROR_CONFIGS, 'huge', 'Degraded', 'CABundleInvalid'),
    /^ghcr\.io: bundle\.crt of Secret huge has 262145 bytes, but at most 262144 are allowed/,
  );
});

test('a document that would be too large leaves out the youngest object, whose status says so, and publishes all others', async () => {
  await using cluster = await startStandIn();
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    cluster.put(SECRETS, secret(name, { 'bundle.crt': bundleOf(230_000) }));
    cluster.put(MIRROR_CONFIGS, mirrors(name, `${name}.io`, name));
  }
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.document().caches.length === 1);
  const published = (): string[] => cluster.document().mirrors.map(({ upstream }) => upstream);
  assert.deepEqual(published(), ['a.io', 'b.io', 'c.io', 'd.io']);
  assert.match(
    await messageOf(cluster, MIRROR_CONFIGS, 'e', 'Progressing', 'Stuck'),
    /^e\.io: it is not published to nodes: it takes \d+ bytes/,
  );
  cluster.remove(MIRROR_CONFIGS, 'a');
  await cluster.until(() => published().join() === 'b.io,c.io,d.io,e.io');
  await cluster.until(() => conditionOf(cluster, MIRROR_CONFIGS, 'e', 'Progressing')?.reason !== 'Stuck');
  assert.equal(cluster.get(MIRROR_CONFIGS, 'a', TEAM), undefined);
});

test('a Secret that cannot be read delays only its own mirrors, and their status says so until it can be read', async () => {
  await using cluster = await startStandIn();
  const fault = { kind: 'status', status: 403, reason: 'Forbidden' } as const;
  cluster.api.faults.add({ fault, verb: 'get', path: '/secrets/ca', times: Infinity });
  cluster.put(SECRETS, secret('ca', { 'bundle.crt': bundleOf(1_000) }));
  cluster.put(MIRROR_CONFIGS, mirrors('mirrors', 'quay.io', 'ca'));
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.document().caches.length === 1);
  assert.deepEqual(cluster.document().mirrors, []);
  const stuck = await messageOf(cluster, MIRROR_CONFIGS, 'mirrors', 'Progressing', 'Stuck');
  assert.match(stuck, /^quay\.io: its CA bundle cannot be read: /);
  cluster.api.faults.clear();
  await cluster.until(() => cluster.document().mirrors[0]?.hosts[0]?.ca !== undefined);
  await messageOf(cluster, MIRROR_CONFIGS, 'mirrors', 'Degraded', 'Healthy');
});

test('an entry that is valid in an object but not in the node document delays no other', async () => {
  await using cluster = await startStandIn();
  const hosts = [{ host: 'https://m.example/?' }];
  cluster.put(MIRROR_CONFIGS, mirrorConfig('odd', { upstream: 'quay.io', hosts }));
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.document().caches.length === 1);
  assert.match(
    await messageOf(cluster, MIRROR_CONFIGS, 'odd', 'Progressing', 'Stuck'),
    /^quay\.io: it cannot be published to nodes: .*hosts\[0\]\.host: must be an http\(s\) URL/,
  );
});

test('a document that cannot be written is reported in the status of the affected objects, until it can be written', async () => {
  await using cluster = await startStandIn();
  cluster.put(REGISTRY_CONFIGS, registryConfig('old', { upstream: 'quay.io' }));
  await cluster.until(() => cluster.document().caches.length === 1);
  const fault = { kind: 'status', status: 403, reason: 'Forbidden', message: 'no more room' } as const;
  cluster.api.faults.add({ fault, verb: 'patch', path: '/configmaps/larder-nodes', times: Infinity });
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  assert.match(
    await messageOf(cluster, REGISTRY_CONFIGS, 'hub', 'Progressing', 'Stuck'),
    /^docker\.io: the last change cannot be published to nodes: .*no more room/,
  );
  assert.notEqual(conditionOf(cluster, REGISTRY_CONFIGS, 'old', 'Progressing')?.reason, 'Stuck');
  cluster.remove(REGISTRY_CONFIGS, 'old');
  await messageOf(cluster, REGISTRY_CONFIGS, 'old', 'Progressing', 'Stuck');
  cluster.api.faults.clear();
  await cluster.until(() => cluster.get(REGISTRY_CONFIGS, 'old', TEAM) === undefined);
  await cluster.until(() => conditionOf(cluster, REGISTRY_CONFIGS, 'hub', 'Progressing')?.reason !== 'Stuck');
});

test('a larder-nodes of another owner is left alone and reported, and replaced once it is gone; without our label but with our key it is ours', async () => {
  await using cluster = await startStandIn();
  const key = { namespace: SYSTEM, name: NODES_CONFIG_MAP };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };
  await cluster.until(() => cluster.get(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM));
  cluster.remove(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM);
  cluster.put(CONFIG_MAPS, { ...object, data: { notes: 'mine' } });
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  assert.match(
    await messageOf(cluster, REGISTRY_CONFIGS, 'hub', 'Progressing', 'Stuck'),
    /^docker\.io: the last change cannot be published to nodes: ConfigMap larder-system\/larder-nodes exists and was not made by Larder/,
  );
  assert.deepEqual(cluster.get(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM)?.['data'], { notes: 'mine' });
  cluster.remove(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM);
  await cluster.until(() => cluster.document().caches.length === 1);

  const ours = cluster.get(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM);
  cluster.put(CONFIG_MAPS, { ...object, data: ours?.['data'] });
  await cluster.until(() => cluster.get(CONFIG_MAPS, NODES_CONFIG_MAP, SYSTEM)?.metadata.labels);
});

test('a finalizer that is taken off is put back, and neither nodes nor cache change', async () => {
  await using cluster = await startStandIn();
  const hub = registryConfig('hub', { upstream: 'docker.io' });
  cluster.put(REGISTRY_CONFIGS, hub);
  await cluster.until(() => cluster.document().caches.length === 1);
  const set = await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  const { revision } = cluster.document();
  const hasFinalizer = (): boolean =>
    cluster.get(REGISTRY_CONFIGS, 'hub', TEAM)?.metadata.finalizers?.includes('larder/operator') ?? false;
  assert.equal(hasFinalizer(), true);
  // The patch that puts it back is refused eight times.
  const fault = { kind: 'status', status: 500 } as const;
  cluster.api.faults.add({ fault, verb: 'patch', path: '/registryconfigs/hub', times: 8 });
  cluster.put(REGISTRY_CONFIGS, hub);
  assert.equal(hasFinalizer(), false);
  await cluster.until(() => {
    assert.equal(cluster.document().revision, revision);
    return hasFinalizer();
  });
  assert.equal(cluster.get(STATEFUL_SETS, KEY)?.metadata.uid, set.metadata.uid);
});

/** Starts with a cache whose owner has become invalid. */
async function withInvalid(): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(SECRETS, secret('hub-login', { username: 'alice', password: 'one' }));
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', CACHE));
  await cluster.until(() => cluster.document().caches.length === 1);
  await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  cluster.edit(REGISTRY_CONFIGS, 'hub', INVALID);
  await messageOf(cluster, REGISTRY_CONFIGS, 'hub', 'Ready', 'ConfigurationInvalid');
  cleanup.move();
  return cluster;
}

/** Lets a certificate expire by the annotation of its Secret. Resolves when it was renewed. */
async function renewed(cluster: StandIn): Promise<void> {
  const { metadata, ...rest } = cluster.get(SECRETS, `${KEY}-tls`) as Held;
  const until = new Date(cluster.clock.now()).toISOString();
  const annotations = { ...metadata.annotations, 'larder/valid-until': until };
  cluster.put(SECRETS, { ...rest, metadata: { ...metadata, annotations } });
  const isOther = (): boolean => {
    const now = cluster.get(SECRETS, `${KEY}-tls`);
    return now?.data?.['tls.crt'] !== rest.data?.['tls.crt'];
  };
  await cluster.until(isOther, 'another certificate');
}

test('the cache of an object that has become invalid is maintained with its last valid configuration', async () => {
  await using cluster = await withInvalid();
  const revision = cluster.document().revision;
  cluster.remove(NETWORK_POLICIES, KEY, SYSTEM);
  await cluster.until(() => cluster.get(NETWORK_POLICIES, KEY));
  await renewed(cluster);
  cluster.put(SECRETS, secret('hub-login', { username: 'alice', password: 'two' }));
  await cluster.until(() => {
    const { data } = cluster.get(SECRETS, `${KEY}-secrets`) ?? {};
    return Buffer.from(data?.['hub-login.password'] ?? '', 'base64').toString() === 'two';
  });
  assert.equal(cluster.document().revision, revision);
  cluster.remove(SERVICES, KEY, SYSTEM);
  const endpoint = await cluster.until(() => {
    const [cache] = cluster.document().caches;
    return cache?.endpoint.endsWith('0.2:5000') ? cache.endpoint : undefined;
  });
  assert.equal(endpoint, 'https://10.96.0.2:5000');
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  await cluster.until(() => cluster.get(REGISTRY_CONFIGS, 'hub', TEAM) === undefined);
});

test('a cache whose last configuration cannot be parsed stays, and its certificate is renewed', async () => {
  await using cluster = await withInvalid();
  const { metadata, ...rest } = cluster.get(CONFIG_MAPS, `${KEY}-config`) as Held;
  cluster.put(CONFIG_MAPS, { ...rest, metadata, data: { 'config.yaml': 'kind: Nothing' } });
  await cluster.pass(5_000);
  const { revision } = cluster.document();
  await renewed(cluster);
  assert.equal(cluster.document().revision, revision);
  assert.ok(cluster.get(STATEFUL_SETS, KEY));
});

test('a leader that is suspended between two writes of one reconcile until its lease has expired sends no second write', async () => {
  await using cluster = await startStandIn();
  const lease = (): string | undefined => cluster.get(LEASES, LEASE_NAME)?.metadata.resourceVersion;
  await cluster.pass(2_000);
  // The lease was just renewed: nothing else checks it for two seconds.
  const before = lease();
  await cluster.until(() => lease() !== before);
  const writes = (): number =>
    cluster.api.requests.filter(({ method, path }) => method !== 'GET' && path.endsWith(`/services/${KEY}`))
      .length;
  // The first write will be repeated a second later.
  const fault = { kind: 'status', status: 429, retryAfter: 1 } as const;
  cluster.api.faults.add({ fault, verb: 'patch', path: `/services/${KEY}` });
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => writes() === 1);
  cluster.suspend(20_000);
  await assert.rejects(
    Promise.race([cluster.operator.ended, cluster.until(() => writes() > 1, 'a second write')]),
    (error) => isLarderError(error, 'LEADERSHIP_LOST'),
  );
  assert.equal(writes(), 1);
});

test('a Secret of another namespace never belongs to a cache, whatever its labels and annotations say', async () => {
  await using cluster = await startStandIn();
  const labels = { 'app.kubernetes.io/managed-by': 'larder-operator' };
  const annotations = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/another' };
  const { metadata, ...rest } = secret('copied', {}) as Held;
  cluster.put(SECRETS, { ...rest, metadata: { ...metadata, labels, annotations } });
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => cluster.document().caches.length === 1, 'a cache');
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  await cluster.until(
    () => cluster.get(REGISTRY_CONFIGS, 'hub', TEAM) === undefined,
    'the end of the object',
  );
  assert.ok(cluster.get(SECRETS, 'copied', TEAM));
});
