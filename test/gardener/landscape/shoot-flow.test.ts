import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFlowWorld } from './flow-world.ts';
import { inRotation, ROTATION } from './rotation.ts';
import type { WantedShoot } from './shoot-flow.ts';

const TYPE = 'registry-cache';
const WANTED: WantedShoot = { shoot: { kind: 'Shoot' }, extensions: { [TYPE]: { caches: [] } } };
const NO_CLEANUP = { 'shoot.gardener.cloud/no-cleanup': 'true' };

describe('gardenlet of the landscape', () => {
  test('reconciles Extensions once the API server runs, and before there is a node configuration or a node', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    assert.deepEqual(world.steps, [
      'namespace',
      'api-server',
      'stale',
      'extensions',
      'node-configuration',
      'nodes',
    ]);
    assert.deepEqual(world.asked, ['reconcile']);
  });

  test('hibernates after the Extensions were reconciled: first nodes go, then the API server', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    world.steps.length = 0;
    await world.flow.reconcile({ ...WANTED, hibernated: true });
    assert.deepEqual(world.machines.slice(-3), ['put-configuration', 'stop-nodes', 'stop-api']);
    assert.equal(world.steps.includes('api-server'), false);
    await world.flow.reconcile(WANTED);
    assert.deepEqual(world.machines.slice(-3), ['start-api', 'put-configuration', 'start-nodes']);
  });

  test('waits 3 minutes for an Extension, and goes on from there with the next try', async () => {
    const world = createFlowWorld();
    world.isIdle = true;
    const begin = world.clock.monotonic();
    await assert.rejects(world.flow.reconcile(WANTED), /waits no longer for reconcile of registry-cache/);
    assert.equal(world.clock.monotonic() - begin, 180_000);
    assert.equal(world.machines.includes('put-configuration'), false);
    world.isIdle = false;
    await world.flow.reconcile(WANTED);
  });

  test('deletes a stale Extension beside everything else, and does not wait for it while hibernated', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile({ ...WANTED, extensions: { [TYPE]: {}, other: {} } });
    world.isIdle = true;
    await world.flow.reconcile({ ...WANTED, extensions: {}, hibernated: true });
    assert.ok((await world.extension('other'))?.metadata.deletionTimestamp);
    await assert.rejects(world.flow.reconcile({ ...WANTED, extensions: {} }), /the end of Extensions/);
    world.isIdle = false;
    await world.flow.reconcile({ ...WANTED, extensions: {} });
    assert.equal(await world.extension(TYPE), undefined);
  });

  test('deletes in this order: what runs, nodes, their configuration, ManagedResources of its own, Extensions, the API server', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    world.steps.length = 0;
    await world.flow.delete(WANTED);
    assert.deepEqual(world.steps, [
      'namespace',
      'api-server',
      'webhooks',
      'definitions',
      'workloads',
      'nodes-end',
      'node-configuration-ends',
      'managed-resources',
      'extensions-end',
      'all-managed-resources',
      'api-server-ends',
      'cluster-ends',
    ]);
    assert.equal(await world.extension(TYPE), undefined);
  });

  test('gives a hibernated shoot that is deleted its API server back, but no node', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile({ ...WANTED, hibernated: true });
    world.machines.length = 0;
    await world.flow.delete({ ...WANTED, hibernated: true });
    assert.deepEqual(world.machines, ['start-api', 'stop-nodes', 'delete-configuration', 'stop-api']);
  });

  test('cleans up all workloads, definitions and webhooks but those with the label', async () => {
    const world = createFlowWorld();
    const all = [
      ['apps/v1', 'Deployment'],
      ['v1', 'Service'],
      ['v1', 'PersistentVolumeClaim'],
      ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
      ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
    ] as const;
    for (const [api, kind] of all) {
      await world.put(api, kind, 'kept', { labels: NO_CLEANUP });
      await world.put(api, kind, 'system', { labels: { 'gardener.cloud/role': 'system-component' } });
      await world.put(api, kind, 'other');
    }
    await world.put('v1', 'ConfigMap', 'other');
    await world.flow.delete(WANTED);
    for (const [api, kind] of all) assert.deepEqual(await world.names(api, kind), ['kept', 'system'], kind);
    assert.deepEqual(await world.names('v1', 'ConfigMap'), ['other']);
  });

  test('takes finalizers off workloads after five minutes', async () => {
    const world = createFlowWorld();
    await world.put('v1', 'PersistentVolumeClaim', 'stuck', { finalizers: ['x/y'] });
    const begin = world.clock.monotonic();
    await world.flow.delete(WANTED);
    assert.equal(world.clock.monotonic() - begin, 305_000);
  });

  test('passes over what is made anew for longer than five minutes', async () => {
    const world = createFlowWorld();
    await world.put('apps/v1', 'StatefulSet', 'cache');
    world.afterDelete = (name) =>
      name === 'cache' ? world.put('apps/v1', 'StatefulSet', 'cache') : undefined;
    await world.flow.delete(WANTED);
    assert.deepEqual(await world.names('apps/v1', 'StatefulSet'), ['cache']);
  });

  test('ends no API server while a ManagedResource of the shoot is there', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    await world.putManagedResource('extension-registry-cache', {
      finalizers: ['grm'],
      labels: { origin: 'registry-cache' },
    });
    await assert.rejects(world.flow.delete(WANTED), /the end of all ManagedResources/);
    assert.equal(world.machines.includes('stop-api'), false);
  });

  test('takes finalizers off all ManagedResources in a forced deletion, after the Extensions, and never calls the shoot', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    await world.putManagedResource('one', { finalizers: ['grm'] }, { keepObjects: true });
    const before = world.shootRequests();
    world.machines.length = 0;
    world.steps.length = 0;
    await world.flow.forceDelete(WANTED);
    assert.deepEqual(world.steps, ['namespace', 'extensions-end', 'all-managed-resources', 'cluster-ends']);
    assert.deepEqual(world.machines, []);
    assert.equal(world.shootRequests(), before);
  });

  test('keeps the objects of its own ManagedResources in a migration, and no others, then migrates and deletes Extensions', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    await world.putManagedResource('own', { labels: { origin: 'gardener' } });
    const foreign = { labels: { origin: 'registry-cache' }, finalizers: ['grm'] };
    await world.putManagedResource('foreign', foreign);
    await assert.rejects(world.flow.migrate(WANTED), /the end of all ManagedResources/);
    assert.deepEqual(world.keptAtDeletion, { own: true });
  });

  test('migrates an Extension before it deletes it, and asks for a restore at the other seed', async () => {
    const world = createFlowWorld();
    await world.flow.reconcile(WANTED);
    await world.flow.migrate(WANTED);
    await world.flow.restore(WANTED);
    assert.deepEqual(world.asked, ['reconcile', 'migrate', 'delete', 'restore']);
    assert.deepEqual(world.machines.slice(-4), ['stop-api', 'start-api', 'put-configuration', 'start-nodes']);
  });

  test('shows each phase of a rotation of authorities in the Cluster before Extensions are asked', async () => {
    const world = createFlowWorld();
    const startedAt = '2026-12-01T00:00:00Z';
    for (const phase of ROTATION.withoutWorkers) {
      await world.flow.reconcile(inRotation(WANTED, phase, startedAt));
      const { rotation } = (await world.cluster())?.spec.shoot.status?.credentials ?? {};
      assert.deepEqual(rotation, { certificateAuthorities: { phase, lastInitiationTime: startedAt } });
    }
    assert.equal(world.asked.length, ROTATION.withoutWorkers.length);
  });
});
