import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AUTHORITY_SECRET } from '../../src/operator/authority/authority-keeper.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import {
  VOLUME_CLAIMS,
  MIRROR_CONFIGS,
  REGISTRY_CONFIGS,
  SECRETS,
  SERVICES,
  STATEFUL_SETS,
} from '../../src/operator/cluster/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import { mirrorConfig, registryConfig, SYSTEM, TEAM } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
/** As in decision 0007. */
const SILENT_MS = 5 * 60_000;
const HUB = registryConfig('hub', { upstream: 'docker.io' });

/** A cluster with a cache of docker.io that is in the node document. */
async function withCache(): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(REGISTRY_CONFIGS, HUB);
  await cluster.until(() => cluster.document().caches.length === 1);
  await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  cleanup.move();
  return cluster;
}

const isGone = (cluster: StandIn, name = 'hub') => cluster.get(REGISTRY_CONFIGS, name, TEAM) === undefined;

test('a node that does not answer is waited for five minutes, and no longer', async () => {
  await using cluster = await withCache();
  const { revision } = cluster.document();
  cluster.report('n1', revision, 'docker.io');
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  await cluster.until(() => cluster.document().caches.length === 0);
  const publishedAt = cluster.clock.monotonic();
  await cluster.pass(SILENT_MS - 10_000);
  assert.ok(cluster.get(STATEFUL_SETS, KEY), 'the cache went too early');
  await cluster.until(() => isGone(cluster));
  const ms = cluster.clock.monotonic() - publishedAt;
  assert.ok(ms >= SILENT_MS - 1_000 && ms < SILENT_MS + 30_000, `it took ${ms} ms`);
  assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
});

test('a node that answers is no longer waited for', async () => {
  await using cluster = await withCache();
  cluster.report('n1', cluster.document().revision, 'docker.io');
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  await cluster.until(() => cluster.document().caches.length === 0);
  await cluster.pass(30_000);
  assert.ok(cluster.get(STATEFUL_SETS, KEY));
  cluster.report('n1', cluster.document().revision);
  const answeredAt = cluster.clock.monotonic();
  await cluster.until(() => isGone(cluster));
  assert.ok(cluster.clock.monotonic() - answeredAt < 10_000);
});

describe('a deleted object is removed although', () => {
  const DELETED: Record<string, [Resource, string]> = {
    'its Service is gone': [SERVICES, KEY],
    'its StatefulSet is gone': [STATEFUL_SETS, KEY],
    'its claim is gone': [VOLUME_CLAIMS, `cache-volume-${KEY}-0`],
    'its certificate is gone': [SECRETS, `${KEY}-tls`],
    'the document for the nodes is gone': [CONFIG_MAPS, 'larder-nodes'],
  };
  for (const [title, [resource, name]] of Object.entries(DELETED)) {
    test(title, async () => {
      await using cluster = await withCache();
      cluster.put(VOLUME_CLAIMS, claim());
      cluster.report('n1', cluster.document().revision, 'docker.io');
      await cluster.pass(2_000);
      cluster.remove(REGISTRY_CONFIGS, 'hub');
      cluster.remove(resource, name, SYSTEM);
      await cluster.until(() => cluster.document().revision !== '' && cluster.document().caches.length === 0);
      cluster.report('n1', cluster.document().revision);
      await cluster.until(() => isGone(cluster));
      for (const [kind, called] of Object.values(DELETED))
        if (kind !== VOLUME_CLAIMS && called !== 'larder-nodes')
          assert.equal(cluster.get(kind, called), undefined);
    });
  }
});

test('an upstream passes from a RegistryConfig to a MirrorConfig and back, and the document has at most one of them', async () => {
  await using cluster = await withCache();
  const mirrors = mirrorConfig('mirrors', { upstream: 'docker.io', hosts: [{ host: 'https://m.example' }] });
  cluster.put(MIRROR_CONFIGS, mirrors);
  await cluster.pass(5_000);
  assert.deepEqual(cluster.document().mirrors, []);

  cluster.remove(REGISTRY_CONFIGS, 'hub');
  await cluster.until(() => cluster.document().mirrors.length === 1);
  assert.deepEqual(cluster.document().caches, []);
  await cluster.until(() => isGone(cluster));
  assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);

  cluster.put(REGISTRY_CONFIGS, HUB);
  await cluster.pass(5_000);
  assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
  cluster.remove(MIRROR_CONFIGS, 'mirrors');
  await cluster.until(() => cluster.document().caches.length === 1);
  assert.deepEqual(cluster.document().mirrors, []);
  await cluster.until(() => cluster.get(MIRROR_CONFIGS, 'mirrors', TEAM) === undefined);
  await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
});

const named = (suffix: string) => ({ upstream: 'docker.io', serviceNameSuffix: suffix });
for (const [title, change] of [
  ['is deleted', (cluster) => cluster.remove(REGISTRY_CONFIGS, 'old')],
  ['takes another name', (cluster) => cluster.edit(REGISTRY_CONFIGS, 'old', { caches: [named('other')] })],
] as const satisfies [string, (cluster: StandIn) => void][]) {
  test(`a cache whose name an older one has is created when that ${title}`, async () => {
    await using cluster = await startStandIn();
    cluster.put(REGISTRY_CONFIGS, registryConfig('old', named('quay-io')));
    await cluster.until(() => isPublished(cluster, 'docker.io'));
    cluster.put(REGISTRY_CONFIGS, registryConfig('young', { upstream: 'quay.io' }));
    const conflict = () =>
      cluster
        .get(REGISTRY_CONFIGS, 'young', TEAM)
        ?.status?.conditions?.find(({ type }) => type === 'Conflict')?.status;
    await cluster.until(() => conflict() === 'True');
    change(cluster);
    await cluster.until(() => isPublished(cluster, 'quay.io'));
  });
}

test('without our authority Secret, caches are still removed and mirrors still published', async () => {
  await using cluster = await startStandIn();
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  cluster.put(REGISTRY_CONFIGS, registryConfig('quay', { upstream: 'quay.io' }));
  await cluster.until(() => isPublished(cluster, 'docker.io') && isPublished(cluster, 'quay.io'));
  const { labels: _, ...metadata } = cluster.get(SECRETS, AUTHORITY_SECRET)?.metadata ?? {};
  cluster.put(SECRETS, { ...cluster.get(SECRETS, AUTHORITY_SECRET), metadata });
  await cluster.restart();
  cluster.remove(REGISTRY_CONFIGS, 'hub');
  cluster.put(
    MIRROR_CONFIGS,
    mirrorConfig('mirrors', { upstream: 'ghcr.io', hosts: [{ host: 'https://m.example' }] }),
  );
  await cluster.until(() => cluster.get(REGISTRY_CONFIGS, 'hub', TEAM) === undefined);
  await cluster.until(() => cluster.document().mirrors.length === 1);
  assert.ok(isPublished(cluster, 'quay.io'), 'an existing cache was taken from the nodes');
});

function isPublished(cluster: StandIn, upstream: string): boolean {
  return cluster.document().caches.some((entry) => entry.upstream === upstream);
}

function claim(): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      namespace: SYSTEM,
      name: `cache-volume-${KEY}-0`,
      labels: { app: KEY, 'app.kubernetes.io/managed-by': 'larder-operator' },
      annotations: { 'larder/asked-by': 'RegistryConfig team/hub' },
    },
    spec: { resources: { requests: { storage: '10Gi' } } },
  };
}
