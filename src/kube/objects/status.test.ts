import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { widget, WIDGETS, type Widget } from '../../../test/kube/widgets.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isConflict } from '../kube-error.ts';
import { createStatusWriter, type StatusOutcome } from './status.ts';

const { signal } = new AbortController();

async function setting() {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const client = kube.client();
  const object = await client.create(WIDGETS, widget('a', { size: 1 }), { signal });
  const read = (): Promise<Widget> => client.get(WIDGETS, object.metadata, { signal });
  const fresh = () => createStatusWriter({ client, clock }, { fieldManager: 'larder/test-status' });
  let writer = fresh();
  return {
    clock,
    kube,
    client,
    object,
    read,
    restart: () => void (writer = fresh()),
    write: (observed: Widget, phase: string): Promise<StatusOutcome<Widget>> =>
      writer.write(WIDGETS, observed, { phase }, signal),
  };
}

test('a status is written once, also by a restarted program, and changes nothing else', async () => {
  const { clock, kube, object, read, write, restart } = await setting();
  assert.equal((await write(object, 'Ready')).kind, 'written');
  const now = await read();
  assert.deepEqual([now.status, now.spec, now.metadata.generation], [{ phase: 'Ready' }, { size: 1 }, 1]);
  clock.advance(5_000);
  assert.equal((await write(now, 'Ready')).kind, 'unchanged');
  restart();
  assert.equal((await write(now, 'Ready')).kind, 'unchanged');
  assert.equal(kube.count('apply'), 1);
});

test('ten changes in a second are written at most once, and the last one counts', async () => {
  const { clock, kube, object, read, write } = await setting();
  await write(object, 'phase-0');
  for (let turn = 1; turn <= 10; turn += 1) {
    clock.advance(90);
    const outcome = await write(await read(), `phase-${turn}`);
    assert.deepEqual(outcome, { kind: 'later', afterMs: 1000 - 90 * turn });
  }
  clock.advance(100);
  assert.equal((await write(await read(), 'phase-10')).kind, 'written');
  assert.deepEqual((await read()).status, { phase: 'phase-10' });
  assert.equal(kube.count('apply'), 2);
});

test('a foreign write to the status is put back', async () => {
  const { clock, client, object, read, write } = await setting();
  await write(object, 'Ready');
  await client.replace(
    WIDGETS,
    { ...(await read()), status: { phase: 'Mine' } },
    { signal, subresource: 'status' },
  );
  clock.advance(1_000);
  assert.equal((await write(await read(), 'Ready')).kind, 'written');
  assert.deepEqual((await read()).status, { phase: 'Ready' });
});

test('a store that lags neither repeats a write nor hides that the status is outdated', async () => {
  const { clock, kube, object, read, write } = await setting();
  await write(object, 'Ready');
  clock.advance(1_000);
  assert.equal((await write(object, 'Ready')).kind, 'unchanged');
  const ready = await read();
  await write(ready, 'Failed');
  clock.advance(1_000);
  // The store still says Ready; the server does not.
  assert.equal((await write(ready, 'Ready')).kind, 'written');
  assert.deepEqual((await read()).status, { phase: 'Ready' });
  assert.equal(kube.count('apply'), 3);
});

test('the status of an object is never written to a new one of its name', async () => {
  const { client, object, read, write } = await setting();
  await client.delete(WIDGETS, object.metadata, { signal });
  await client.create(WIDGETS, widget('a'), { signal });
  await assert.rejects(write(object, 'Ready'), isConflict);
  assert.equal((await read()).status, undefined);
});
