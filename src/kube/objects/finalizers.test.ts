import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { widget, WIDGETS, type Widget } from '../../../test/kube/widgets.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isInvalid, isNotFound } from '../kube-error.ts';
import { createFinalizer } from './finalizers.ts';

const { signal } = new AbortController();
const OURS = 'larder.example/cache';
const THEIRS = 'other.example/thing';

async function setting(finalizers?: readonly string[]) {
  const kube = createMemoryKube(new ManualClock());
  const client = kube.client();
  const plain = widget('a');
  const object = await client.create(
    WIDGETS,
    finalizers === undefined ? plain : { ...plain, metadata: { ...plain.metadata, finalizers } },
    { signal },
  );
  const read = (): Promise<Widget> => client.get(WIDGETS, object.metadata, { signal });
  return { kube, client, object, read, finalizer: createFinalizer(client, OURS) };
}

test('a finalizer is added once, beside foreign ones', async () => {
  for (const before of [undefined, [], [THEIRS]]) {
    const { kube, object, read, finalizer } = await setting(before);
    const added = await finalizer.add(WIDGETS, object, signal);
    assert.deepEqual(added.metadata.finalizers, [...(before ?? []), OURS]);
    assert.deepEqual(await finalizer.add(WIDGETS, added, signal), added);
    assert.equal(kube.count('patch'), 1);
    assert.equal(finalizer.isOn(await read()), true);
  }
});

test('a finalizer added to an outdated object removes no foreign one', async () => {
  const { object, read, finalizer, client } = await setting();
  await createFinalizer(client, THEIRS).add(WIDGETS, object, signal);
  await assert.rejects(finalizer.add(WIDGETS, object, signal), isInvalid);
  await finalizer.add(WIDGETS, await read(), signal);
  assert.deepEqual((await read()).metadata.finalizers, [THEIRS, OURS]);
});

test('an object that is being deleted gets none', async () => {
  const { kube, client, object, read, finalizer } = await setting([THEIRS]);
  await client.delete(WIDGETS, object.metadata, { signal });
  const leaving = await read();
  assert.equal(await finalizer.add(WIDGETS, leaving, signal), leaving);
  assert.equal(kube.count('patch'), 0);
});

test('the object is deleted with its last finalizer', async () => {
  const { client, object, read, finalizer } = await setting([THEIRS, OURS]);
  await client.delete(WIDGETS, object.metadata, { signal });
  await finalizer.remove(WIDGETS, await read(), signal);
  assert.deepEqual((await read()).metadata.finalizers, [THEIRS]);
  await createFinalizer(client, THEIRS).remove(WIDGETS, await read(), signal);
  await assert.rejects(read(), isNotFound);
});

test('removing it from an object that is gone, or does not have it, does nothing', async () => {
  const { kube, client, object, finalizer } = await setting([OURS]);
  await finalizer.remove(WIDGETS, object, signal);
  await finalizer.remove(WIDGETS, { ...object, metadata: { ...object.metadata, finalizers: [] } }, signal);
  await client.delete(WIDGETS, object.metadata, { signal });
  await finalizer.remove(WIDGETS, object, signal);
  assert.equal(kube.count('patch'), 2);
});

test('removing it never hits a foreign finalizer or a new object of the same name', async () => {
  const { client, object, read, finalizer } = await setting([THEIRS, OURS]);
  await createFinalizer(client, THEIRS).remove(WIDGETS, object, signal);
  await assert.rejects(finalizer.remove(WIDGETS, object, signal), isInvalid);
  await finalizer.remove(WIDGETS, await read(), signal);
  await client.delete(WIDGETS, object.metadata, { signal });
  const metadata = { ...widget('a').metadata, finalizers: [THEIRS, OURS] };
  await client.create(WIDGETS, { ...widget('a'), metadata }, { signal });
  await assert.rejects(finalizer.remove(WIDGETS, object, signal), isInvalid);
  assert.deepEqual((await read()).metadata.finalizers, [THEIRS, OURS]);
});
