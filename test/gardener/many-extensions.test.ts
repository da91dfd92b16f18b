/** A seed with 500 shoots: what is kept of it, and what a restart reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startExtensionWorld, type ExtensionWorld } from './extension-world.ts';
import { IN_CLUSTERS, IN_EXTENSIONS } from './gardenlet.ts';
import { createScriptedActuator } from './scripted-actuator.ts';

const SHOOTS = 500;
/** Every so many Extensions need work, each group for another reason. */
const EVERY = 50;
const CLUSTER_BYTES = 300_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Differences from an Extension that was reconciled, by the reason why it needs work. */
const OPEN: readonly object[] = [
  { metadata: { annotations: { 'gardener.cloud/operation': 'reconcile' } } },
  { status: { lastOperation: { type: 'Reconcile', state: 'Error' } } },
  { status: { lastOperation: { type: 'Create', state: 'Processing' } } },
  { metadata: { deletionTimestamp: '2026-11-30T20:00:00Z' } },
];

function fill({ api, gardenlet }: ExtensionWorld): Set<string> {
  // One text for all, so that the stand-in itself stays small.
  const spec = { shoot: { kind: 'Shoot', status: {} }, cloudProfile: { images: 'x'.repeat(CLUSTER_BYTES) } };
  const open = new Set<string>();
  for (let index = 0; index < SHOOTS; index += 1) {
    const namespace = `shoot--p--${index}`;
    const apiVersion = 'extensions.gardener.cloud/v1alpha1';
    gardenlet.createShoot(namespace, { cluster: false });
    api.put(IN_CLUSTERS, { apiVersion, kind: 'Cluster', metadata: { name: namespace }, spec });
    const different = index % EVERY < OPEN.length ? (OPEN[index % EVERY] as Record<string, object>) : {};
    if (index % EVERY < OPEN.length) open.add(namespace);
    const metadata = {
      name: 'registry-cache',
      namespace,
      finalizers: ['extensions.gardener.cloud/registry-cache'],
      managedFields: 'y'.repeat(2000),
      ...different['metadata'],
    };
    const status = {
      observedGeneration: 1,
      lastOperation: { type: 'Create', state: 'Succeeded' },
      providerStatus: { caches: [] },
      ...different['status'],
    };
    const providerConfig = { caches: [{ upstream: 'z'.repeat(2000) }] };
    api.put(IN_EXTENSIONS, {
      apiVersion,
      kind: 'Extension',
      metadata,
      spec: { type: 'registry-cache', providerConfig },
      status,
    });
    // A seed has several extensions for each shoot.
    for (const type of ['networking', 'shoot-dns-service', 'os'])
      api.put(IN_EXTENSIONS, {
        apiVersion,
        kind: 'Extension',
        metadata: { name: type, namespace },
        spec: { type },
        status,
      });
  }
  return open;
}

test('a start reads only Extensions with open work and their Clusters, and keeps less than 1 KB for each shoot', async () => {
  await using world = await startExtensionWorld();
  const open = fill(world);
  const before = heapBytes();
  const handled = new Set<string>();
  const actuator = createScriptedActuator(async ({ namespace, cluster }) => {
    await cluster();
    handled.add(namespace);
  });

  const replica = world.start({ actuator });
  replica.lead();
  await world.until(() => world.isIdle(), 'idle replicas');
  const grown = heapBytes() - before;

  assert.deepEqual(handled, open);
  const namesRead = (collection: string): number =>
    new Set(
      world.api
        .requestsOf('get')
        .map(({ path }) => path)
        .filter((path) => path.includes(collection)),
    ).size;
  assert.equal(namesRead('/extensions/'), open.size);
  assert.equal(namesRead('/clusters/'), open.size);
  // Each once, with its namespace.
  assert.equal(world.api.requestsOf('get').length, 3 * open.size);
  const { extensions, clusters } = replica.watched;
  assert.equal(extensions.size, SHOOTS - open.size / OPEN.length);
  const kept = JSON.stringify([extensions.list(), clusters.list()]).length;
  assert.ok(kept < 1000 * SHOOTS, `${kept} bytes are kept`);
  assert.ok(grown < 8e6, `the heap has grown by ${grown} bytes`);
  const largeReads = world.api.requests.filter(
    ({ verb, path, headers }) =>
      verb !== 'get' && path.endsWith('/clusters') && !headers.accept?.includes('PartialObjectMetadata'),
  );
  assert.deepEqual(largeReads, []);
  assert.ok(world.api.requests.every(({ path }) => !path.includes('/secrets')));
});

test('a restart when nothing is open reads nothing', async () => {
  await using world = await startExtensionWorld();
  fill(world);
  const first = world.start({ actuator: createScriptedActuator() });
  first.lead();
  await world.until(() => world.isIdle(), 'idle replicas');
  await first.stop();
  const reads = world.api.requestsOf('get').length;

  const actuator = createScriptedActuator();
  world.start({ actuator }).lead();
  await world.until(() => world.isIdle(), 'idle replicas');
  assert.equal(world.api.requestsOf('get').length, reads);
  assert.deepEqual(actuator.calls, []);
});
