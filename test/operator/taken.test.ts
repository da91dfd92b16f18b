/** Upstreams that the Shoot has itself, and the numbers that leave a shoot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readClusterReport, REPORT_CONFIG_MAP, type ClusterReport } from '../../src/fleet/cluster-report.ts';
import { takenData, takenUpstreams, TAKEN_CONFIG_MAP } from '../../src/fleet/taken-upstreams.ts';
import { CONFIG_MAPS } from '../../src/kube/objects/config-maps.ts';
import { MIRROR_CONFIGS, REGISTRY_CONFIGS, STATEFUL_SETS } from '../../src/operator/cluster/resources.ts';
import { mirrorConfig, registryConfig, SYSTEM, TEAM } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
const SILENT_MS = 5 * 60_000;
const start = () => startStandIn({ takenUpstreams: TAKEN_CONFIG_MAP, report: REPORT_CONFIG_MAP });

function take(cluster: StandIn, ...upstreams: readonly string[]): number {
  const taken = takenUpstreams(upstreams);
  cluster.put(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: SYSTEM, name: TAKEN_CONFIG_MAP },
    data: takenData(taken),
  });
  return taken.revision;
}

const reportOf = (cluster: StandIn): ClusterReport | undefined => {
  const held = cluster.get(CONFIG_MAPS, REPORT_CONFIG_MAP);
  const read = held && readClusterReport(held);
  return read?.kind === 'read' ? read.report : undefined;
};
const upstreamsOf = (cluster: StandIn): string[] => {
  const { caches, mirrors } = cluster.document();
  return [...caches, ...mirrors].map(({ upstream }) => upstream);
};
const conditionOf = (cluster: StandIn, type: string, name = 'hub') =>
  cluster.get(REGISTRY_CONFIGS, name, TEAM)?.status?.conditions?.find((one) => one.type === type);

test('an upstream that the Shoot gets leaves the nodes first, and is reported once they have followed', async () => {
  await using cluster = await start();
  const none = take(cluster);
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }, { upstream: 'ghcr.io' }));
  await cluster.until(() => upstreamsOf(cluster).length === 2);
  cluster.report('n1', cluster.document().revision, 'docker.io', 'ghcr.io');
  await cluster.until(() => reportOf(cluster)?.revision === none);

  const revision = take(cluster, 'docker.io');
  await cluster.until(() => !upstreamsOf(cluster).includes('docker.io'));
  await cluster.pass(60_000);
  assert.equal(reportOf(cluster)?.revision, 0);
  assert.ok(cluster.get(STATEFUL_SETS, KEY), 'the cache went before the nodes');
  cluster.report('n1', cluster.document().revision, 'ghcr.io');
  const confirmedAt = cluster.clock.monotonic();
  await cluster.until(() => reportOf(cluster)?.revision === revision);
  assert.ok(cluster.clock.monotonic() - confirmedAt < 5_000);
  await cluster.until(() => cluster.get(STATEFUL_SETS, KEY) === undefined);
  assert.deepEqual(upstreamsOf(cluster), ['ghcr.io']);
  const conflict = await cluster.until(() => {
    const found = conditionOf(cluster, 'Conflict');
    return found?.status === 'True' ? found : undefined;
  });
  assert.equal(
    conflict.message,
    'docker.io is configured in the Shoot, which goes before all objects; remove it here, or have it removed there',
  );

  take(cluster);
  await cluster.until(() => upstreamsOf(cluster).length === 2);
  await cluster.until(() => conditionOf(cluster, 'Conflict')?.status === 'False');
});

test('a node that does not follow is waited for as long as for any removal', async () => {
  await using cluster = await start();
  take(cluster);
  cluster.put(
    MIRROR_CONFIGS,
    mirrorConfig('mirrors', { upstream: 'quay.io', hosts: [{ host: 'https://mirror.example' }] }),
  );
  await cluster.until(() => upstreamsOf(cluster).length === 1);
  cluster.report('n1', cluster.document().revision, 'quay.io');
  const revision = take(cluster, 'quay.io');
  await cluster.until(() => upstreamsOf(cluster).length === 0);
  const publishedAt = cluster.clock.monotonic();
  await cluster.until(() => reportOf(cluster)?.revision === revision);
  const ms = cluster.clock.monotonic() - publishedAt;
  assert.ok(ms > SILENT_MS - 15_000 && ms < SILENT_MS + 15_000, `it took ${ms} ms`);
});

test('while the list is missing or unreadable, before or after a start, nothing is created, published or removed, and the object says why', async () => {
  await using cluster = await start();
  take(cluster);
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  await cluster.until(() => upstreamsOf(cluster).length === 1);
  cluster.put(REGISTRY_CONFIGS, registryConfig('more', { upstream: 'ghcr.io' }));
  await cluster.until(() => upstreamsOf(cluster).length === 2);
  cluster.remove(CONFIG_MAPS, TAKEN_CONFIG_MAP, SYSTEM);
  cluster.put(REGISTRY_CONFIGS, registryConfig('new', { upstream: 'quay.io' }));
  cluster.put(
    MIRROR_CONFIGS,
    mirrorConfig('mirrors', { upstream: 'gcr.io', hosts: [{ host: 'https://mirror.example' }] }),
  );
  cluster.remove(REGISTRY_CONFIGS, 'more');
  await cluster.pass(60_000);
  assert.deepEqual(upstreamsOf(cluster), ['docker.io', 'ghcr.io']);
  const mirrors = cluster.get(MIRROR_CONFIGS, 'mirrors', TEAM);
  assert.match(JSON.stringify(mirrors?.status?.conditions), /the ConfigMap larder-taken is missing/);

  await cluster.restart();
  await cluster.pass(60_000);
  assert.deepEqual(upstreamsOf(cluster), ['docker.io', 'ghcr.io']);
  assert.equal(cluster.get(STATEFUL_SETS, 'registry-quay-io'), undefined);
  assert.match(
    conditionOf(cluster, 'Progressing', 'new')?.message ?? '',
    /the ConfigMap larder-taken is missing/,
  );
  cluster.put(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: SYSTEM, name: TAKEN_CONFIG_MAP },
    data: { 'taken.json': '[]' },
  });
  await cluster.pass(30_000);
  assert.deepEqual(upstreamsOf(cluster), ['docker.io', 'ghcr.io']);
  take(cluster);
  await cluster.until(() => upstreamsOf(cluster).toSorted().join() === 'docker.io,gcr.io,quay.io');
});

test('a revision leaves the report at once when the list changes', async () => {
  await using cluster = await start();
  const revision = take(cluster, 'docker.io');
  await cluster.until(() => reportOf(cluster)?.revision === revision);
  await cluster.pass(1_000);
  take(cluster);
  await cluster.pass(3_000);
  assert.notEqual(reportOf(cluster)?.revision, revision);
});

test('the report has the numbers of objects, caches and nodes, and no name', async () => {
  await using cluster = await start();
  take(cluster, 'quay.io');
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', { upstream: 'docker.io' }));
  cluster.put(REGISTRY_CONFIGS, registryConfig('second', { upstream: 'docker.io' }, { upstream: 'quay.io' }));
  await cluster.until(() => upstreamsOf(cluster).length === 1);
  cluster.report('n1', cluster.document().revision, 'docker.io');
  cluster.report('n2', 'old');
  const report = await cluster.until(() => {
    const found = reportOf(cluster);
    return found?.nodes === 2 && found.conflicting === 1 ? found : undefined;
  });
  const { revision, ...numbers } = report;
  assert.equal(revision, takenUpstreams(['quay.io']).revision);
  assert.deepEqual(numbers, {
    objects: 2,
    caches: 1,
    serving: 0,
    failing: 0,
    conflicting: 1,
    nodes: 2,
    following: 1,
  });
  const text = JSON.stringify(cluster.get(CONFIG_MAPS, REPORT_CONFIG_MAP)?.data);
  assert.doesNotMatch(text, /docker|quay|hub|second|team/);
});

test('whatever happens, nodes are not led to an upstream that is taken, and no list is reported before they follow it', async () => {
  const upstreams = ['docker.io', 'ghcr.io', 'quay.io'];
  const event = fc.oneof(
    fc.record({ take: fc.subarray(upstreams) }),
    fc.record({ put: fc.constantFrom('a', 'b'), caches: fc.subarray(upstreams, { minLength: 1 }) }),
    fc.record({ remove: fc.constantFrom('a', 'b') }),
    fc.record({ follow: fc.constantFrom('n1', 'n2') }),
    fc.record({ restart: fc.constant(true) }),
    fc.record({ pass: fc.integer({ min: 1, max: 20 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 8 }), async (events) => {
      await using cluster = await start();
      let last = take(cluster);
      let taken: readonly string[] = [];
      const nodes = new Map<string, readonly string[]>();
      await cluster.until(() => reportOf(cluster)?.revision === last);
      for (const one of events) {
        if ('take' in one) {
          last = take(cluster, ...one.take);
          taken = one.take;
        } else if ('put' in one)
          cluster.put(
            REGISTRY_CONFIGS,
            registryConfig(one.put, ...one.caches.map((upstream) => ({ upstream }))),
          );
        else if ('remove' in one) {
          if (cluster.get(REGISTRY_CONFIGS, one.remove, TEAM)) cluster.remove(REGISTRY_CONFIGS, one.remove);
        } else if ('follow' in one) {
          nodes.set(one.follow, upstreamsOf(cluster));
          cluster.report(one.follow, cluster.document().revision, ...upstreamsOf(cluster));
        } else if ('restart' in one) await cluster.restart();
        await cluster.pass('pass' in one ? one.pass * 1000 : 5_000);
        const led = upstreamsOf(cluster).filter((upstream) => taken.includes(upstream));
        assert.deepEqual(led, []);
        const reported = reportOf(cluster)?.revision;
        assert.ok(reported === 0 || reported === last, 'the revision of a former list stayed');
        if (reported !== last) continue;
        for (const used of nodes.values())
          assert.deepEqual(
            used.filter((upstream) => taken.includes(upstream)),
            [],
          );
      }
    }),
    { numRuns: process.env['LARDER_HEAVY'] === undefined ? 6 : 60 },
  );
});
