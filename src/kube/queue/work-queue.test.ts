import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMetrics } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import { WorkQueue } from './work-queue.ts';

function setting() {
  const clock = new ManualClock();
  const metrics = declareKubeMetrics(createMetricsRegistry());
  return { clock, metrics, queue: new WorkQueue({ clock, metrics }, 'test') };
}

async function take(queue: WorkQueue, count: number): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = [];
  while (keys.length < count) keys.push(await queue.get());
  return keys;
}

describe('a key', () => {
  test('added many times is handed out once', async () => {
    const { queue } = setting();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    assert.equal(queue.depth, 2);
    assert.deepEqual(await take(queue, 2), ['a', 'b']);
    assert.equal(queue.depth, 0);
  });

  test('added during its work is handed out once more, after that work', async () => {
    const { queue } = setting();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    assert.equal(await queue.get(), 'b');
    const next = queue.get();
    queue.done('a');
    assert.equal(await next, 'a');
    queue.done('a');
    assert.equal(queue.depth, 0);
  });

  test('goes to the worker that waited first', async () => {
    const { queue } = setting();
    const waiting = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');
    assert.deepEqual(await Promise.all(waiting), ['a', 'b']);
  });

  test('with a higher priority goes first, and keeps the higher one if added again', async () => {
    const { queue } = setting();
    queue.add('first', { priority: -100 });
    queue.add('second', { priority: -100 });
    queue.add('third');
    queue.add('second');
    queue.add('third', { priority: -100 });
    assert.deepEqual(await take(queue, 3), ['second', 'third', 'first']);
  });

  test('added for later comes at the earliest of its times', async () => {
    const { clock, queue } = setting();
    queue.addAfter('a', 5000);
    queue.addAfter('a', 1000);
    queue.addAfter('a', 9000);
    clock.advance(999);
    assert.equal(queue.depth, 0);
    clock.advance(1);
    assert.equal(await queue.get(), 'a');
    queue.done('a');
    clock.advance(60_000);
    assert.equal(queue.depth, 0);
    assert.equal(clock.pending, 0);
  });

  test('that failed comes back after its back-off, with the priority it had', async () => {
    const { clock, queue } = setting();
    queue.add('a', { priority: -100 });
    for (const ms of [5, 10, 20]) {
      assert.equal(await queue.get(), 'a');
      queue.retry('a');
      queue.done('a');
      clock.advance(ms - 1);
      assert.equal(queue.depth, 0);
      clock.advance(1);
    }
    assert.equal(queue.failures('a'), 3);
    queue.add('b');
    assert.deepEqual(await take(queue, 2), ['b', 'a']);
    queue.forget('a');
    assert.equal(queue.failures('a'), 0);
  });
});

test('a thousand keys for later need one timer', () => {
  const { clock, queue } = setting();
  for (let index = 0; index < 1000; index += 1) queue.addAfter(`key-${index}`, 1000 + index);
  assert.equal(clock.pending, 1);
  clock.advance(2000);
  assert.equal(queue.depth, 1000);
  assert.equal(clock.pending, 0);
});

test('a closed queue releases all workers, accepts nothing and leaves no timer', async () => {
  const { clock, queue } = setting();
  const waiting = queue.get();
  queue.addAfter('a', 1000);
  queue.close();
  queue.add('b');
  assert.equal(await waiting, undefined);
  assert.equal(await queue.get(), undefined);
  assert.equal(queue.depth, 0);
  assert.equal(clock.pending, 0);
});

test('the metrics show depth, additions, retries, waiting and work', async () => {
  const { clock, metrics, queue } = setting();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  clock.advance(2000);
  await queue.get();
  clock.advance(3000);
  queue.retry('a');
  queue.done('a');
  const seen = parseMetrics(await metrics.registry.metrics());
  const of = (name: string): number => seen.sum(`larder_kube_queue_${name}`, { controller: 'test' });
  assert.deepEqual(
    ['depth', 'adds_total', 'retries_total', 'duration_seconds_sum', 'work_duration_seconds_sum'].map(of),
    [1, 2, 1, 2, 3],
  );
});
