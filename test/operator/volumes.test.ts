/** The cache that a volume belongs to. Content that was private to another owner stays private. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VOLUME_CLAIMS, REGISTRY_CONFIGS, STATEFUL_SETS } from '../../src/operator/cluster/resources.ts';
import {
  annotate,
  annotationsOf,
  configOf,
  OWNER,
  isLabelled,
  isRight,
  isStuck,
  KEY,
  LONGER,
  unlabel,
  withCache,
} from './hub-cache.ts';
import { registryConfig, SYSTEM, type Held } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

/** The claim that the StatefulSet `name` with `annotations` has created. Its pod delays the deletion. */
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

/** Lets a deleted claim go, as when its last pod is gone. */
function release(cluster: StandIn, name: string): void {
  const { metadata, ...rest } = cluster.get(VOLUME_CLAIMS, name) as Held;
  cluster.put(VOLUME_CLAIMS, { ...rest, metadata: { ...metadata, finalizers: [] } });
}

describe('the volume of a cache', () => {
  const CLAIM = `cache-volume-${KEY}-0`;

  for (const [title, changes] of [
    ['no owner', { 'larder/asked-by': undefined }],
    ['another object', { 'larder/asked-by': 'RegistryConfig team/other' }],
    ['another upstream', { upstream: 'quay.io' }],
  ] as const) {
    test(`stays when its claim was edited to belong to ${title}, and so does the rest of the cache`, async () => {
      await using cluster = await withCache();
      cluster.put(VOLUME_CLAIMS, claimOf(OWNER));
      await cluster.pass(2_000);
      annotate(cluster, VOLUME_CLAIMS, CLAIM, changes);
      await cluster.until(() => isRight(cluster, VOLUME_CLAIMS, CLAIM));
      assert.equal(cluster.get(VOLUME_CLAIMS, CLAIM)?.metadata.deletionTimestamp, undefined);
      cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
      await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
    });
  }

  test('does not keep the rest of the cache from being reconciled while it is deleted', async () => {
    await using cluster = await withCache();
    cluster.put(VOLUME_CLAIMS, claimOf(OWNER));
    cluster.remove(VOLUME_CLAIMS, CLAIM, SYSTEM);
    cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
    await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
  });

  for (const [title, annotations, labels] of [
    ['another object', { ...OWNER, 'larder/asked-by': 'RegistryConfig team/other' }, {}],
    ['another upstream of its name', { ...OWNER, upstream: 'docker-io' }, {}],
    ['no owner', {}, {}],
    [
      'another upstream of its name, as its label says',
      { 'larder/asked-by': OWNER['larder/asked-by'] },
      { 'upstream-host': 'docker-io' },
    ],
  ] as const) {
    test(`is never one that was kept for ${title}, and the status says what the cache waits for`, async () => {
      await using cluster = await startStandIn();
      const { metadata, ...rest } = claimOf(annotations) as Held;
      cluster.put(VOLUME_CLAIMS, {
        ...rest,
        metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
      });
      cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
      await cluster.until(isStuck(cluster, 'being deleted'));
      assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
      release(cluster, CLAIM);
      await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
      assert.equal(cluster.get(VOLUME_CLAIMS, CLAIM), undefined);
    });
  }

  test('may be one that was kept for the same cache', async () => {
    await using cluster = await startStandIn();
    cluster.put(VOLUME_CLAIMS, claimOf({ 'larder/asked-by': OWNER['larder/asked-by'] }));
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
    await cluster.until(() => annotationsOf(cluster, VOLUME_CLAIMS, CLAIM)['upstream'] === 'docker.io');
    assert.equal(cluster.get(VOLUME_CLAIMS, CLAIM)?.metadata.deletionTimestamp, undefined);
  });

  test('does not pass over to another upstream of the same name', async () => {
    const name = 'registry-my-registry-example-io';
    await using cluster = await withCache({ upstream: 'my-registry.example.io' });
    const { spec = {} } = cluster.get(STATEFUL_SETS, name) as Held;
    const [{ metadata }] = spec['volumeClaimTemplates'] as [
      { metadata: { annotations: Record<string, string> } },
    ];
    cluster.put(VOLUME_CLAIMS, claimOf(metadata.annotations, name));
    cluster.edit(REGISTRY_CONFIGS, 'hub', { caches: [{ upstream: 'my.registry.example.io' }] });
    await cluster.until(() => cluster.document().caches.length === 0);
    cluster.report('n1', cluster.document().revision);
    await cluster.until(isStuck(cluster, 'being deleted'));
    assert.equal(cluster.get(STATEFUL_SETS, name), undefined);
    release(cluster, `cache-volume-${name}-0`);
    await cluster.until(() => cluster.get(STATEFUL_SETS, name));
  });

  test('gets our label back when it was taken off the claim', async () => {
    await using cluster = await withCache();
    cluster.put(VOLUME_CLAIMS, claimOf(OWNER));
    await cluster.pass(2_000);
    unlabel(cluster, VOLUME_CLAIMS, CLAIM);
    await cluster.until(() => isLabelled(cluster, VOLUME_CLAIMS, CLAIM));
  });

  test('gets additional labels on a claim that was made without them', async () => {
    await using cluster = await startStandIn({ objectLabels: { 'example.com/keep': 'yes' } });
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
    cluster.put(VOLUME_CLAIMS, claimOf(OWNER));
    const labels = () => cluster.get(VOLUME_CLAIMS, CLAIM)?.metadata.labels;
    await cluster.until(() => labels()?.['example.com/keep'] === 'yes');
    assert.ok(isLabelled(cluster, VOLUME_CLAIMS, CLAIM));
  });

  test('loses additional labels that are no longer configured, and keeps all others', async () => {
    const settings: { objectLabels: Record<string, string> } = { objectLabels: { one: 'x', two: 'x' } };
    await using cluster = await startStandIn(settings);
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
    cluster.put(VOLUME_CLAIMS, claimOf(OWNER));
    const metadata = () => cluster.get(VOLUME_CLAIMS, CLAIM)?.metadata;
    await cluster.until(() => metadata()?.labels?.['one'] === 'x');
    const { metadata: now, ...rest } = cluster.get(VOLUME_CLAIMS, CLAIM) as Held;
    cluster.put(VOLUME_CLAIMS, { ...rest, metadata: { ...now, labels: { ...now.labels, mine: 'x' } } });
    settings.objectLabels = { two: 'y', app: 'taken' };
    await cluster.restart();
    await cluster.until(() => metadata()?.labels?.['two'] === 'y');
    const { labels, resourceVersion } = metadata() ?? assert.fail();
    assert.deepEqual([labels?.['one'], labels?.['mine'], labels?.['app']], [undefined, 'x', KEY]);
    await cluster.pass(60_000);
    assert.equal(metadata()?.resourceVersion, resourceVersion);
  });

  test('is never a claim of another object without our label, which is left unchanged', async () => {
    await using cluster = await startStandIn();
    cluster.put(VOLUME_CLAIMS, claimOf({ ...OWNER, 'larder/asked-by': 'RegistryConfig team/other' }));
    unlabel(cluster, VOLUME_CLAIMS, CLAIM);
    cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
    await cluster.until(isStuck(cluster, `${SYSTEM}/${CLAIM} exists`));
    assert.equal(cluster.get(STATEFUL_SETS, KEY), undefined);
    assert.equal(cluster.get(VOLUME_CLAIMS, CLAIM)?.metadata.deletionTimestamp, undefined);
    release(cluster, CLAIM);
    cluster.remove(VOLUME_CLAIMS, CLAIM, SYSTEM);
    await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  });
});
