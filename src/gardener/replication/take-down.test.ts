import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { failingCalls } from '../../../test/gardener/failing-client.ts';
import {
  createTakeDownWorld,
  OTHER_FINALIZER,
  type WorldContent,
} from '../../../test/gardener/take-down-world.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { FINALIZER } from '../../operator/cluster/marks.ts';
import { REGISTRY_CONFIGS, SECRETS, SERVICES } from '../../operator/cluster/resources.ts';
import { ShootAwayError } from './ask-shoot.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from './shoot-place.ts';

const { signal } = new AbortController();

const CONTENT: WorldContent = {
  configs: ['team-a', 'team-b'],
  mirrors: ['team-a'],
  caches: ['registry-docker-io', 'registry-quay-io'],
  nodes: [],
  goneNodes: ['gone'],
};
const CLEAN = {
  managedResources: [],
  ours: ['of-the-owner'],
  objects: [
    [[OTHER_FINALIZER], {}],
    [[OTHER_FINALIZER], {}],
    [[], {}],
  ],
};

describe('a take-down', () => {
  test('without a node waits for none, and deletes pods whose end no kubelet confirms', async () => {
    const world = await createTakeDownWorld(CONTENT);
    const { error, seconds } = await world.run();
    assert.equal(error, undefined);
    assert.ok(seconds < 10, `${seconds} s`);
    assert.deepEqual(await world.left(), CLEAN);
  });

  test('with nodes removes caches once the nodes that exist have turned away', async () => {
    const world = await createTakeDownWorld({ ...CONTENT, nodes: ['n1', 'n2'] });
    const seen: (readonly [number, boolean])[] = [];
    const { error } = await world.run(undefined, async (second) => {
      const { ours } = await world.left();
      seen.push([second, ours.includes('registry-docker-io')]);
      if (second === 10) await world.report('n1', []);
      if (second === 20) await world.report('n2', []);
    });
    assert.equal(error, undefined);
    assert.ok(seen.every(([second, hasCache]) => hasCache || second > 20));
    assert.deepEqual(await world.left(), CLEAN);
  });

  test('goes on after a minute if a node that exists does not answer', async () => {
    const world = await createTakeDownWorld({ ...CONTENT, nodes: ['n1'] });
    const { error, seconds } = await world.run();
    assert.equal(error, undefined);
    assert.ok(seconds >= 60 && seconds < 75, `${seconds} s`);
    assert.deepEqual(await world.left(), CLEAN);
  });

  test('begins with the operator, ends with the agents, and calls a shoot without both not at all', async () => {
    const world = await createTakeDownWorld(CONTENT);
    await world.run();
    const deleted = world.requests('seed').flatMap(({ verb, name }) => (verb === 'delete' ? [name] : []));
    assert.deepEqual(deleted, [
      `${OPERATOR_COMPONENT}-1`,
      OPERATOR_COMPONENT,
      `${SHOOT_COMPONENT}-1`,
      SHOOT_COMPONENT,
    ]);
    const calls = world.requests('shoot').length;
    assert.equal((await world.run()).error, undefined);
    assert.equal(world.requests('shoot').length, calls);
  });

  test('reads metadata alone', async () => {
    const world = await createTakeDownWorld(CONTENT);
    const wholes: string[] = [];
    const watching = (client: KubeClient, of: string): KubeClient => ({
      ...client,
      get: (resource, ...rest) => note(of, resource, () => client.get(resource, ...rest)),
      list: (resource, ...rest) => note(of, resource, () => client.list(resource, ...rest)),
      patch: (resource, ...rest) => note(of, resource, () => client.patch(resource, ...rest)),
      delete: (resource, ...rest) => note(of, resource, () => client.delete(resource, ...rest)),
    });
    function note<T>(of: string, resource: { plural: string; metadataOnly?: true }, call: () => T): T {
      if (of === 'shoot' && resource.metadataOnly !== true) wholes.push(resource.plural);
      return call();
    }
    await world.run(watching);
    assert.deepEqual(wholes, []);
  });

  test('whichever call fails, ends the same when another replica goes on', async () => {
    const calls = failingCalls();
    await (await createTakeDownWorld(CONTENT)).run(calls.wrap);
    assert.ok(calls.count > 50);
    for (let number = 1; number <= calls.count; number += 1)
      for (const when of ['before', 'after'] as const) {
        const world = await createTakeDownWorld(CONTENT);
        const faults = failingCalls();
        faults.fail(number, when);
        await world.run(faults.wrap);
        assert.equal((await world.run()).error, undefined);
        assert.deepEqual(await world.left(), CLEAN, `call ${number} ${when}`);
      }
  });

  test('of any content leaves what is not ours', async () => {
    const names = (prefix: string) =>
      fc.uniqueArray(fc.nat(20), { maxLength: 6 }).map((all) => all.map((one) => `${prefix}${one}`));
    const content = fc.record({
      configs: names('team-'),
      mirrors: names('team-'),
      caches: names('registry-'),
      nodes: fc.constant([]),
      goneNodes: names('node-'),
    });
    await fc.assert(
      fc.asyncProperty(content, async (one) => {
        const world = await createTakeDownWorld(one);
        assert.equal((await world.run()).error, undefined);
        const { managedResources, ours, objects } = await world.left();
        assert.deepEqual([managedResources, ours], [[], ['of-the-owner']]);
        assert.equal(objects.length, one.configs.length + one.mirrors.length);
        assert.ok(objects.every(([finalizers]) => !(finalizers as string[]).includes(FINALIZER)));
      }),
      { numRuns: 15 },
    );
  });

  test('leaves objects without our label, and a RegistryConfig that its owner creates meanwhile', async () => {
    const world = await createTakeDownWorld(CONTENT);
    const of = (kind: string, namespace: string, name: string, apiVersion = 'v1') => ({
      apiVersion,
      kind,
      metadata: { namespace, name },
    });
    await world.shoot.create(SERVICES, of('Service', LARDER_NAMESPACE, 'renamed'), { signal });
    await world.shoot.create(SECRETS, of('Secret', LARDER_NAMESPACE, 'larder-ca'), { signal });
    let isNew = true;
    await world.run(undefined, async () => {
      if (!isNew) return;
      isNew = false;
      const config = of('RegistryConfig', 'team-c', 'new', `${REGISTRY_CONFIGS.group}/v1alpha3`);
      await world.shoot.create(REGISTRY_CONFIGS, config, { signal });
    });
    const { ours, objects } = await world.left();
    assert.deepEqual(ours.toSorted(), ['larder-ca', 'of-the-owner', 'renamed']);
    assert.equal(objects.length, CLEAN.objects.length + 1);
  });
});

describe('a take-down that cannot end', () => {
  test('says how many objects are refused without a name of them, releases the others, and keeps the agents', async () => {
    const world = await createTakeDownWorld(CONTENT);
    const denying = (client: KubeClient): KubeClient => ({
      ...client,
      patch: (resource, key, ...rest) =>
        key.namespace === 'team-b'
          ? denied(`${key.namespace}/${key.name}`)
          : client.patch(resource, key, ...rest),
    });
    const { error } = await world.run(denying);
    assert.ok(isLarderError(error));
    assert.match(error.message, /take status or finalizer off 1 RegistryConfigs and MirrorConfigs/);
    assertNoName(error);
    const { managedResources, objects } = await world.left();
    assert.deepEqual(managedResources, [SHOOT_COMPONENT]);
    assert.equal(objects.filter(([all]) => (all as string[]).includes(FINALIZER)).length, 1);
    assert.equal((await world.run()).error, undefined);
    assert.deepEqual(await world.left(), CLEAN);
  });

  for (const [stuck, left] of [
    ['claims', '2 PersistentVolumeClaims'],
    [OPERATOR_COMPONENT, `the ManagedResource ${OPERATOR_COMPONENT}`],
    [SHOOT_COMPONENT, `the ManagedResource ${SHOOT_COMPONENT}`],
  ] as const) {
    test(`by ${stuck} ends after 150 s with what is left, and goes on later`, async () => {
      const world = await createTakeDownWorld(CONTENT);
      world.stuck.add(stuck);
      const { error, seconds } = await world.run();
      assert.ok(isLarderError(error) && error.code === 'RECONCILE_TIMEOUT');
      assert.ok(error.message.endsWith(`left are: ${left}`), error.message);
      assert.equal(seconds, 150);
      world.stuck.clear();
      assert.equal((await world.run()).error, undefined);
      assert.deepEqual(await world.left(), CLEAN);
    });
  }

  test('since the API server of the shoot is away says so, and has deleted nothing', async () => {
    const world = await createTakeDownWorld(CONTENT);
    const before = await world.left();
    const away = (client: KubeClient, of: string): KubeClient =>
      of === 'seed' ? client : { ...client, list: () => unreachable('list Node secret-name') };
    const { error } = await world.run(away);
    assert.ok(error instanceof ShootAwayError);
    assertNoName(error);
    assert.deepEqual(await world.left(), before);
  });
});

function denied(text: string): Promise<never> {
  const options = { httpStatus: 403, reason: `Denied ${text}`, serverMessage: `webhook denies ${text}` };
  return Promise.reject(new KubeError(`patch ${text}`, options));
}

function unreachable(text: string): Promise<never> {
  return Promise.reject(new KubeError(text, { httpStatus: undefined, reason: 'Unreachable' }));
}

/** Texts of an Extension's error reach the garden. */
function assertNoName(error: Error): void {
  assert.doesNotMatch(errorText(error), /secret-name|team-/);
  assert.equal(error.cause, undefined);
}
