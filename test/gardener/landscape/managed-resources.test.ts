import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { createManagerWorld, kindOf, NAMESPACE, type ManagerWorld } from './manager-world.ts';
import { runManager } from './manager-loop.ts';
import { forever } from '../../kube/client.ts';

const LABELS = { 'shoot.gardener.cloud/no-cleanup': 'true' };
const NAME = 'one';

const configMap = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  data: { a: '1' },
});
const workload = (kind: string, spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'app' },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } } },
    ...spec,
  },
});
const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' } }] };

describe('gardener-resource-manager of the landscape', () => {
  test('injects labels into objects, pod templates and claim templates', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a'), workload('StatefulSet', claims)], { injectLabels: LABELS });
    assert.equal(await world.turn(NAME), 'done');
    const all = { ...LABELS, 'resources.gardener.cloud/managed-by': 'gardener' };
    const set = await world.object('apps/v1', 'StatefulSet', 'app');
    assert.deepEqual((await world.object('v1', 'ConfigMap', 'a'))?.metadata.labels, all);
    assert.deepEqual(set?.spec?.template?.metadata?.labels, { app: 'a', ...all });
    assert.deepEqual(set?.spec?.volumeClaimTemplates?.[0]?.metadata?.labels, all);
  });

  test('leaves replicas alone that the manifest leaves out, and puts back those that it names', async () => {
    for (const [spec, left] of [
      [{}, 3],
      [{ replicas: 1 }, 1],
    ] as const) {
      const world = createManagerWorld();
      await world.write(NAME, [workload('Deployment', spec)]);
      await world.turn(NAME);
      await world.patch('apps/v1', 'Deployment', 'app', { spec: { replicas: 3 } });
      await world.turn(NAME);
      assert.equal((await world.object('apps/v1', 'Deployment', 'app'))?.spec?.replicas, left);
    }
  });

  test('keeps claim templates of a StatefulSet, which cannot change', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [workload('StatefulSet', claims)]);
    await world.turn(NAME);
    await world.write(NAME, [
      workload('StatefulSet', { volumeClaimTemplates: [{ metadata: { name: 'other' } }] }),
    ]);
    await world.turn(NAME);
    const set = await world.object('apps/v1', 'StatefulSet', 'app');
    assert.deepEqual(set?.spec?.volumeClaimTemplates?.[0]?.metadata?.['name' as never], 'data');
  });

  test('keeps a restart of a rollout, the address of a Service and the Secrets of a ServiceAccount', async () => {
    const world = createManagerWorld();
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { ports: [] } };
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'app' } };
    await world.write(NAME, [workload('DaemonSet'), service, account]);
    await world.turn(NAME);
    const annotations = { 'kubectl.kubernetes.io/restartedAt': 'now' };
    await world.patch('apps/v1', 'DaemonSet', 'app', { spec: { template: { metadata: { annotations } } } });
    await world.patch('v1', 'Service', 'app', { spec: { clusterIP: '10.0.0.1', type: 'NodePort' } });
    await world.patch('v1', 'ServiceAccount', 'app', { imagePullSecrets: [{ name: 'pull' }] });
    await world.turn(NAME);
    const set = await world.object('apps/v1', 'DaemonSet', 'app');
    assert.deepEqual(set?.spec?.template?.metadata?.annotations, annotations);
    assert.deepEqual((await world.object('v1', 'Service', 'app'))?.spec, {
      ports: [],
      clusterIP: '10.0.0.1',
    });
    assert.deepEqual((await world.object('v1', 'ServiceAccount', 'app'))?.['imagePullSecrets'], [
      { name: 'pull' },
    ]);
  });

  test('applies definitions before what needs them, in whatever order the manifests are', async () => {
    const world = createManagerWorld();
    const of = (apiVersion: string, kind: string, name = 'x') => ({ apiVersion, kind, metadata: { name } });
    await world.write(NAME, [
      of('larder/v1', 'RegistryConfig'),
      of('apps/v1', 'Deployment'),
      of('v1', 'Service', 'b'),
      of('v1', 'Service', 'a'),
      of('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
      of('v1', 'Namespace'),
    ]);
    await world.turn(NAME);
    const created = world.shoot.requests.filter(({ verb }) => verb === 'create');
    assert.deepEqual(
      created.map(({ plural, name }) => `${plural}/${name}`),
      [
        'namespaces/x',
        'customresourcedefinitions/x',
        'services/a',
        'services/b',
        'deployments/x',
        'registryconfigs/x',
      ],
    );
  });

  test('stops at the first object that fails, says so, and goes on with the next turn', async () => {
    const world = createManagerWorld();
    world.missing.add('Service');
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
    await world.write(NAME, [configMap('a'), service, workload('Deployment')]);
    assert.equal(await world.turn(NAME), 'failed');
    assert.deepEqual(await condition(world, 'ResourcesApplied'), ['False', 'ApplyFailed']);
    assert.ok(await world.object('v1', 'ConfigMap', 'a'));
    assert.equal(await world.object('apps/v1', 'Deployment', 'app'), undefined);
    world.missing.clear();
    assert.equal(await world.turn(NAME), 'done');
    assert.ok(await world.object('apps/v1', 'Deployment', 'app'));
  });

  test('repairs what others changed, but not labels and annotations that others added', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a', { labels: { mine: '1' } })]);
    await world.turn(NAME);
    await world.patch('v1', 'ConfigMap', 'a', {
      data: { a: '2', b: '3' },
      metadata: { labels: { mine: '2', your: '1' } },
    });
    await world.turn(NAME);
    const object = await world.object('v1', 'ConfigMap', 'a');
    assert.deepEqual(object?.['data'], { a: '1' });
    assert.equal(object?.metadata.labels?.['mine'], '1');
    assert.equal(object?.metadata.labels?.['your'], '1');
  });

  test('takes a label away that left the manifest', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a', { labels: { mine: '1' } })]);
    await world.turn(NAME);
    await world.write(NAME, [configMap('a')]);
    await world.turn(NAME);
    assert.equal((await world.object('v1', 'ConfigMap', 'a'))?.metadata.labels?.['mine'], undefined);
  });

  test('writes nothing for objects that are as they should be', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a'), workload('Deployment')]);
    await world.turn(NAME);
    const before = world.shoot.requests.length;
    await world.turn(NAME);
    assert.deepEqual(new Set(world.shoot.requests.slice(before).map(({ verb }) => verb)), new Set(['get']));
  });

  test('deletes objects that left the manifest, and applies nothing until they are gone', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a', { finalizers: ['x/y'] })]);
    await world.turn(NAME);
    await world.write(NAME, [configMap('b')]);
    assert.equal(await world.turn(NAME), 'pending');
    assert.deepEqual(await condition(world, 'ResourcesApplied'), ['Progressing', 'DeletionPending']);
    assert.equal(await world.object('v1', 'ConfigMap', 'b'), undefined);
    await world.patch('v1', 'ConfigMap', 'a', { metadata: { finalizers: [] } });
    assert.equal(await world.turn(NAME), 'done');
    assert.ok(await world.object('v1', 'ConfigMap', 'b'));
  });

  test('deletes all objects at once, those of apps in the foreground', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a'), workload('Deployment')]);
    await world.turn(NAME);
    await world.delete(NAME);
    assert.equal(await world.turn(NAME), 'pending');
    assert.deepEqual(
      world.deletions.toSorted((a, b) => a.name.localeCompare(b.name)),
      [
        { name: 'a', propagationPolicy: undefined },
        { name: 'app', propagationPolicy: 'Foreground' },
      ],
    );
    assert.equal(await world.turn(NAME), 'gone');
    assert.equal(await world.found(NAME), undefined);
  });

  test('holds its ManagedResource until the last object is gone', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a', { finalizers: ['x/y'] })]);
    await world.turn(NAME);
    assert.deepEqual((await world.found(NAME))?.metadata.finalizers, [
      'resources.gardener.cloud/gardener-resource-manager',
    ]);
    await world.delete(NAME);
    assert.equal(await world.turn(NAME), 'pending');
    assert.equal(await world.turn(NAME), 'pending');
    await world.patch('v1', 'ConfigMap', 'a', { metadata: { finalizers: [] } });
    assert.equal(await world.turn(NAME), 'gone');
  });

  test('takes finalizers off an object whose time to end is over', async () => {
    const world = createManagerWorld();
    const annotations = { 'resources.gardener.cloud/finalize-deletion-after': '1h' };
    await world.write(NAME, [configMap('a', { finalizers: ['x/y'], annotations })]);
    await world.turn(NAME);
    await world.delete(NAME);
    await world.turn(NAME);
    world.clock.advance(3_599_000);
    assert.equal(await world.turn(NAME), 'pending');
    world.clock.advance(1000);
    assert.equal(await world.turn(NAME), 'pending');
    assert.equal(await world.turn(NAME), 'gone');
    assert.equal(await world.object('v1', 'ConfigMap', 'a'), undefined);
  });

  test('deletes the claims that a StatefulSet selects if it is asked to', async () => {
    for (const asked of [false, true]) {
      const world = createManagerWorld();
      await world.write(NAME, [workload('StatefulSet', claims)], { deletePersistentVolumeClaims: asked });
      await world.turn(NAME);
      const { shoot } = world;
      for (const [name, app] of [
        ['data-app-0', 'a'],
        ['other', 'b'],
      ] as const)
        await shoot.client().create(
          kindOf('v1', 'PersistentVolumeClaim'),
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name, namespace: 'default', labels: { app } },
          },
          forever(),
        );
      await world.delete(NAME);
      await world.turn(NAME);
      const claim = await world.object('v1', 'PersistentVolumeClaim', 'data-app-0');
      assert.equal(claim === undefined, asked);
      assert.ok(await world.object('v1', 'PersistentVolumeClaim', 'other'));
    }
  });

  test('leaves all objects where keepObjects says so', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a')], { keepObjects: true });
    await world.turn(NAME);
    await world.delete(NAME);
    assert.equal(await world.turn(NAME), 'gone');
    assert.ok(await world.object('v1', 'ConfigMap', 'a'));
  });

  test('leaves an object that has keep-object, or is collected as garbage', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [
      configMap('kept', { annotations: { 'resources.gardener.cloud/keep-object': 'true' } }),
      configMap('collected', {
        labels: { 'resources.gardener.cloud/garbage-collectable-reference': 'true' },
      }),
      configMap('other'),
    ]);
    await world.turn(NAME);
    await world.delete(NAME);
    await world.turn(NAME);
    assert.equal(await world.turn(NAME), 'gone');
    assert.deepEqual(
      world.deletions.map(({ name }) => name),
      ['other'],
    );
  });

  test('does not touch an object that is marked to be ignored, nor anything of an ignored ManagedResource', async () => {
    const world = createManagerWorld();
    const annotations = { 'resources.gardener.cloud/ignore': 'true' };
    await world.write(NAME, [configMap('a', { annotations })]);
    await world.turn(NAME);
    await world.patch('v1', 'ConfigMap', 'a', { data: { a: '2' } });
    await world.turn(NAME);
    assert.deepEqual((await world.object('v1', 'ConfigMap', 'a'))?.['data'], { a: '2' });

    await world.annotate(NAME, annotations);
    await world.write(NAME, [configMap('b')]);
    assert.equal(await world.turn(NAME), 'done');
    assert.deepEqual(await condition(world, 'ResourcesApplied'), ['True', 'ManagedResourceIgnored']);
    assert.equal(await world.object('v1', 'ConfigMap', 'b'), undefined);
    await world.delete(NAME);
    await world.turn(NAME);
    assert.equal(await world.turn(NAME), 'gone');
  });

  test('leaves an object to others whose mode is Ignore', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a')]);
    await world.turn(NAME);
    await world.write(NAME, [configMap('a', { annotations: { 'resources.gardener.cloud/mode': 'Ignore' } })]);
    await world.turn(NAME);
    const object = await world.object('v1', 'ConfigMap', 'a');
    assert.equal(object?.metadata.annotations?.['resources.gardener.cloud/origin'], undefined);
    await world.delete(NAME);
    assert.equal(await world.turn(NAME), 'gone');
    assert.ok(await world.object('v1', 'ConfigMap', 'a'));
  });

  test('reports health and progress of what it applied', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [workload('DaemonSet')]);
    await world.turn(NAME);
    const states = async () => [
      await condition(world, 'ResourcesHealthy'),
      await condition(world, 'ResourcesProgressing'),
    ];
    assert.deepEqual(
      (await states()).map(([status]) => status),
      ['False', 'True'],
    );
    const client = world.shoot.client();
    const status = {
      observedGeneration: 1,
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      updatedNumberScheduled: 1,
    };
    const write = (more: object) =>
      client.mergePatch(
        kindOf('apps/v1', 'DaemonSet'),
        { namespace: 'default', name: 'app' },
        { status: { ...status, ...more } },
        { ...forever(), subresource: 'status' },
      );
    await write({ numberUnavailable: 1 });
    await world.turn(NAME);
    assert.deepEqual(
      (await states()).map(([state]) => state),
      ['False', 'False'],
    );
    await write({ numberUnavailable: 0 });
    await world.turn(NAME);
    assert.deepEqual(
      (await states()).map(([state]) => state),
      ['True', 'False'],
    );
  });

  test('takes an object for healthy whose health is not to be checked', async () => {
    const world = createManagerWorld();
    const annotations = { 'resources.gardener.cloud/skip-health-check': 'true' };
    await world.write(NAME, [{ ...workload('DaemonSet'), metadata: { name: 'app', annotations } }]);
    await world.turn(NAME);
    assert.equal((await condition(world, 'ResourcesHealthy'))[0], 'True');
  });

  test('deletes nothing while a Secret is missing', async () => {
    const world = createManagerWorld();
    await world.write(NAME, [configMap('a')]);
    await world.turn(NAME);
    await world.write(NAME, [], { secretRefs: [{ name: 'nowhere' }] });
    assert.equal(await world.turn(NAME), 'failed');
    assert.deepEqual(await condition(world, 'ResourcesApplied'), ['False', 'CannotReadSecret']);
    assert.ok(await world.object('v1', 'ConfigMap', 'a'));
  });
});

test('the manager handles a change at once, an applied one after a minute, a failed one after 5 s, and none of another class', async () => {
  const world = createManagerWorld();
  const { clock, seed } = world;
  const turns: string[] = [];
  let isDown = false;
  const ended = new AbortController();
  await world.write('mine', [configMap('a')]);
  await world.write('seed', [configMap('b')], { class: 'seed' });
  const handle: ManagerWorld['handle'] = async (key, signal) => {
    turns.push(key.name);
    if (isDown) throw new KubeError('connection refused', { httpStatus: undefined, reason: '' });
    return world.handle(key, signal);
  };
  const running = runManager(
    { seed: seed.client(), clock, handle },
    { namespace: NAMESPACE, everyMs: 1000, resyncMs: 60_000, retryMs: 5000 },
    ended.signal,
  );
  const after = async (seconds: number): Promise<number> => {
    for (let at = 0; at < seconds; at += 1) {
      await settled();
      clock.advance(1000);
    }
    await settled();
    return turns.length;
  };
  assert.equal(await after(0), 1);
  assert.equal(await after(59), 1);
  assert.equal(await after(1), 2);
  await world.write('mine', [configMap('a')], { keepObjects: true });
  assert.equal(await after(1), 3);
  isDown = true;
  await world.write('mine', [configMap('a')], { keepObjects: false });
  assert.equal(await after(1), 4);
  assert.equal(await after(4), 4);
  assert.equal(await after(1), 5);
  assert.deepEqual(new Set(turns), new Set(['mine']));
  ended.abort();
  await running;
});

async function condition(
  world: ManagerWorld,
  type: string,
): Promise<[string | undefined, string | undefined]> {
  const found = (await world.found(NAME))?.status?.conditions?.find((one) => one.type === type);
  return [found?.status, found?.reason];
}

/** Gives everything that does not wait for the clock its turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
