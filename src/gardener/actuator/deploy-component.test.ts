import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';
import { shootComponent } from '../managed-resources/component.ts';
import { MANAGED_RESOURCES } from '../managed-resources/managed-resource.ts';
import { deployComponent } from './deploy-component.ts';

const KEY = { namespace: 'shoot--a--b', name: 'r' };
const { signal } = new AbortController();

function componentOf(content: string) {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: content } };
  return shootComponent({ ...KEY, secretBase: 'r' }, [object]);
}

function setUp() {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const client = kube.client();
  const writes = () => kube.requests.filter(({ verb }) => !['get', 'list'].includes(verb)).length;
  return { clock, kube, client, writes, deps: { client, clock } };
}

test('a component that is there already is not written again', async () => {
  const { deps, writes } = setUp();
  await deployComponent(deps, componentOf('a'), signal);
  assert.equal(writes(), 2);
  await deployComponent(deps, componentOf('a'), signal);
  assert.equal(writes(), 2);
});

test('a change keeps what others added to the ManagedResource, and nothing else in its spec', async () => {
  const { deps, client } = setUp();
  const [first, second] = [componentOf('a'), componentOf('b')];
  await deployComponent(deps, first, signal);
  const others = { labels: { other: 'x' }, annotations: { other: 'y' } };
  await client.mergePatch(
    MANAGED_RESOURCES,
    KEY,
    { metadata: others, spec: { class: 'seed', equivalences: [], keepObjects: true } },
    { signal },
  );
  await deployComponent(deps, second, signal);
  const { metadata, spec } = await client.get(MANAGED_RESOURCES, KEY, { signal });
  assert.deepEqual(spec, second.managedResource.spec);
  assert.deepEqual(metadata.labels, { origin: 'registry-cache', other: 'x' });
  assert.deepEqual(metadata.annotations, { ...second.managedResource.metadata.annotations, other: 'y' });
});

test('a Secret that was used before can be collected afterwards', async () => {
  const { deps, client } = setUp();
  const { secret } = componentOf('a');
  await deployComponent(deps, componentOf('a'), signal);
  await client.mergePatch(SECRETS, secret.metadata, { metadata: { labels: null } }, { signal });
  await deployComponent(deps, componentOf('b'), signal);
  const old = await client.get(SECRETS, secret.metadata, { signal });
  assert.deepEqual(old.metadata.labels, secret.metadata.labels);
});

test('a Secret with the name of other content is replaced', async () => {
  const { deps, client } = setUp();
  const { secret } = componentOf('a');
  await client.create(SECRETS, { ...secret, data: { x: 'eA==' } }, { signal });
  await deployComponent(deps, componentOf('a'), signal);
  assert.deepEqual((await client.get(SECRETS, secret.metadata, { signal })).data, secret.data);
});

test('a Secret with other labels gets its own back', async () => {
  const { deps, client } = setUp();
  const { secret } = componentOf('a');
  await deployComponent(deps, componentOf('a'), signal);
  await client.mergePatch(SECRETS, secret.metadata, { metadata: { labels: { other: 'x' } } }, { signal });
  await deployComponent(deps, componentOf('a'), signal);
  assert.deepEqual(
    (await client.get(SECRETS, secret.metadata, { signal })).metadata.labels,
    secret.metadata.labels,
  );
});

test('nothing is written to a ManagedResource that is being deleted', async () => {
  const { deps, client, clock, writes } = setUp();
  const { managedResource } = componentOf('a');
  await client.create(
    MANAGED_RESOURCES,
    { ...managedResource, metadata: { ...managedResource.metadata, finalizers: ['a/b'] } },
    { signal },
  );
  await client.delete(MANAGED_RESOURCES, KEY, { signal });
  const before = writes();
  const deploying = deployComponent(deps, componentOf('a'), signal);
  while (clock.pending === 0) await new Promise(setImmediate);
  assert.equal(writes(), before);
  await client.mergePatch(MANAGED_RESOURCES, KEY, { metadata: { finalizers: null } }, { signal });
  clock.advance(2000);
  await deploying;
  const { metadata, spec } = await client.get(MANAGED_RESOURCES, KEY, { signal });
  assert.equal(metadata.deletionTimestamp, undefined);
  assert.deepEqual(spec, managedResource.spec);
});
