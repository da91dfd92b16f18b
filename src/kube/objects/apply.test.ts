import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { widget, WIDGETS, type Widget } from '../../../test/kube/widgets.ts';
import { ManualClock } from '../../kit/clock.ts';
import { KubeError } from '../kube-error.ts';
import type { Intent } from '../types.ts';
import { createApplier, type ApplyOutcome } from './apply.ts';

const { signal } = new AbortController();

function setting({ force = true } = {}) {
  const kube = createMemoryKube(new ManualClock());
  const client = kube.client();
  const applier = createApplier(client, { fieldManager: 'larder/test', force });
  const ensure = (intent: Intent<Widget>, observed?: Widget): Promise<ApplyOutcome<Widget>> =>
    applier.ensure(WIDGETS, intent, observed, signal);
  const read = (name: string): Promise<Widget> =>
    client.get(WIDGETS, { namespace: 'test', name }, { signal });
  return { kube, client, ensure, read, others: kube.client({ manager: 'kubectl' }) };
}

function objectOf(outcome: ApplyOutcome<Widget>): Widget {
  assert.notEqual(outcome.kind, 'conflict');
  return (outcome as { object: Widget }).object;
}

test('an intent is sent once, and the result is the server’s object', async () => {
  const { kube, ensure } = setting();
  const first = await ensure(widget('a', { size: 1 }));
  const object = objectOf(first);
  assert.deepEqual([first.kind, object.metadata.generation, object.spec], ['applied', 1, { size: 1 }]);
  for (let turn = 0; turn < 5; turn += 1)
    assert.equal((await ensure(widget('a', { size: 1 }), object)).kind, 'unchanged');
  assert.equal(kube.count('apply'), 1);
});

test('the order of keys is no difference', async () => {
  const { kube, ensure } = setting();
  const object = objectOf(await ensure(widget('a', { size: 1, colour: 'red' })));
  await ensure(widget('a', { colour: 'red', size: 1 }), object);
  assert.equal(kube.count('apply'), 1);
});

test('a changed intent is sent, and fields it leaves out are removed', async () => {
  const { ensure } = setting();
  const object = objectOf(await ensure(widget('a', { size: 1, colour: 'red' })));
  const second = await ensure(widget('a', { size: 2 }), object);
  assert.deepEqual(objectOf(second).spec, { size: 2 });
});

test('foreign changes are put back, and foreign additions stay', async () => {
  const { ensure, others, read } = setting();
  const object = objectOf(await ensure(widget('a', { size: 1 })));
  await others.replace(WIDGETS, { ...object, spec: { size: 5, colour: 'red' } }, { signal });
  const outcome = await ensure(widget('a', { size: 1 }), await read('a'));
  assert.equal(outcome.kind, 'applied');
  assert.deepEqual((await read('a')).spec, { size: 1, colour: 'red' });
});

test('a deleted object is created again', async () => {
  const { client, ensure, read } = setting();
  const object = objectOf(await ensure(widget('a', { size: 1 })));
  await client.delete(WIDGETS, object.metadata, { signal });
  assert.equal((await ensure(widget('a', { size: 1 }))).kind, 'applied');
  assert.notEqual((await read('a')).metadata.uid, object.metadata.uid);
});

test('a store that has not yet seen the last apply causes no other', async () => {
  const { kube, ensure } = setting();
  const old = objectOf(await ensure(widget('a', { size: 1 })));
  await ensure(widget('a', { size: 2 }), old);
  assert.equal((await ensure(widget('a', { size: 2 }), old)).kind, 'unchanged');
  assert.equal(kube.count('apply'), 2);
});

test('without force, fields of other managers are left alone and named', async () => {
  const { ensure, others, read } = setting({ force: false });
  await others.create(WIDGETS, widget('a', { size: 5, colour: 'red' }), { signal });
  assert.deepEqual(await ensure(widget('a', { size: 1, colour: 'blue' }), await read('a')), {
    kind: 'conflict',
    managers: ['kubectl'],
    fields: ['.spec.colour', '.spec.size'],
  });
  assert.deepEqual((await read('a')).spec, { size: 5, colour: 'red' });
  // An equal value is no conflict.
  assert.equal((await ensure(widget('a', { size: 5 }), await read('a'))).kind, 'applied');
});

test('a failed apply is retried, whatever was sent before', async () => {
  let fails = false;
  const kube = createMemoryKube(new ManualClock());
  const network = async (): Promise<void> => {
    if (fails) throw new KubeError('no connection', { httpStatus: undefined, reason: 'Unreachable' });
  };
  const applier = createApplier(kube.client({ network }), { fieldManager: 'larder/test', force: true });
  const first = objectOf(await applier.ensure(WIDGETS, widget('a', { size: 1 }), undefined, signal));
  fails = true;
  await assert.rejects(applier.ensure(WIDGETS, widget('a', { size: 2 }), first, signal), KubeError);
  fails = false;
  assert.equal((await applier.ensure(WIDGETS, widget('a', { size: 1 }), first, signal)).kind, 'applied');
});
