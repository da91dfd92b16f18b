import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMetrics, waitFor } from '../../../test/kit/index.ts';
import { createMemoryKube, type KubeRequest } from '../../../test/kube/memory-kube.ts';
import { widget } from '../../../test/kube/widgets.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { KubeError } from '../kube-error.ts';
import type { KubeObject } from '../types.ts';
import { EVENTS, type KubeEvent, type Occurrence } from './event.ts';
import { createEventRecorder } from './recorder.ts';

const { signal } = new AbortController();
const REPORTER = { reportingController: 'larder.example/operator', reportingInstance: 'larder-1' };
const FAILED: Occurrence = {
  type: 'Warning',
  reason: 'SecretMissing',
  action: 'Deploy',
  note: 'there is no Secret "login"',
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setting(fault: (request: KubeRequest) => Promise<void> = () => Promise.resolve()) {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(silentLogger);
  const client = kube.client({ network: fault });
  const recorder = createEventRecorder({ client, clock, logger: silentLogger, metrics, tasks }, REPORTER);
  const names = (): string[] => [
    ...new Set(kube.requests.filter(({ verb }) => verb === 'create').map(({ name }) => name)),
  ];
  return {
    clock,
    kube,
    tasks,
    names,
    /** Records an occurrence and waits for the end of writing. */
    say: (regarding: KubeObject, occurrence: Occurrence = FAILED): Promise<void> => {
      recorder.record(regarding, occurrence);
      return tasks.idle();
    },
    record: (regarding: KubeObject, occurrence: Occurrence): void => recorder.record(regarding, occurrence),
    read: (namespace: string, name: string): Promise<KubeEvent> =>
      kube.client().get(EVENTS, { namespace, name }, { signal }),
    dropped: async (cause: string): Promise<number> =>
      parseMetrics(await metrics.registry.metrics()).sum('larder_kube_events_dropped_total', { cause }),
  };
}

test('an Event has the occurrence, its object, its time and the reporter', async () => {
  const { clock, names, say, read } = setting();
  await say({ ...widget('a'), metadata: { namespace: 'test', name: 'a', uid: 'u-1', resourceVersion: '7' } });
  const [name = ''] = names();
  assert.match(name, /^a\.[0-9a-f]{16}$/);
  const { metadata: _, ...event } = await read('test', name);
  assert.deepEqual(event, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    eventTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
    ...FAILED,
    ...REPORTER,
    regarding: { apiVersion: 'test.example/v1', kind: 'Widget', namespace: 'test', name: 'a', uid: 'u-1' },
  });
});

test('an Event of an object without a namespace is in default, and a long note is cut between characters', async () => {
  const { names, say, read } = setting();
  const metadata = { name: 'n'.repeat(253) };
  await say({ apiVersion: 'v1', kind: 'Node', metadata }, { ...FAILED, note: `${'x'.repeat(1023)}é` });
  const [name = ''] = names();
  assert.equal(name.length, 253);
  assert.equal((await read('default', name)).note, 'x'.repeat(1023));
});

describe('a repeated occurrence', () => {
  test('becomes a series of one Event, until none has come for more than 6 minutes', async () => {
    const { clock, kube, names, say, read } = setting();
    for (let count = 0; count < 4; count += 1) {
      if (count > 0) clock.advance(360_000);
      await say(widget('a'));
    }
    const [name = ''] = names();
    const lastObservedTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
    assert.deepEqual((await read('test', name)).series, { count: 4, lastObservedTime });
    clock.advance(360_001);
    await say(widget('a'));
    assert.equal(names().length, 2);
    assert.equal(kube.count('patch'), 3);
  });

  test('of another object, or with another note, is another Event', async () => {
    const { names, say } = setting();
    await say(widget('a'));
    await say(widget('b'));
    await say(widget('a'), { ...FAILED, note: 'another note' });
    await say(widget('a'), { ...FAILED, action: 'Update' });
    assert.equal(names().length, 4);
  });

  test('during the first write costs one more write, with the right count', async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const { kube, names, tasks, record, read } = setting(() => opened);
    for (let count = 0; count < 50; count += 1) record(widget('a'), FAILED);
    open();
    await tasks.idle();
    assert.deepEqual([kube.count('create'), kube.count('patch')], [1, 1]);
    assert.equal((await read('test', names()[0] ?? '')).series?.count, 50);
  });

  test('after the API server has deleted the Event makes a new one', async () => {
    const { kube, names, say, read } = setting();
    await say(widget('a'));
    const [first = ''] = names();
    await kube.client().delete(EVENTS, { namespace: 'test', name: first }, { signal });
    await say(widget('a'));
    assert.equal((await read('test', names()[1] ?? '')).series?.count, 2);
  });
});

test('one object has 25 writes at once and one in 5 minutes; the rest is counted, and others are not affected', async () => {
  const { clock, kube, names, say, read, dropped } = setting();
  for (let count = 0; count < 40; count += 1) await say(widget('a'));
  assert.deepEqual([kube.requests.length, await dropped('rate')], [25, 15]);
  await say(widget('b'));
  assert.equal(kube.requests.length, 26);
  clock.advance(300_000);
  await say(widget('a'));
  await say(widget('a'));
  assert.equal(kube.requests.length, 27);
  assert.equal((await read('test', names()[0] ?? '')).series?.count, 41);
});

test('while the API server is down at most 1000 Events wait, and recording never does', async () => {
  const { tasks, record, dropped } = setting(() => new Promise(() => {}));
  for (let index = 0; index < 1500; index += 1) record(widget(`w-${index}`), FAILED);
  await turn();
  const full = await dropped('full');
  assert.ok(full >= 499 && full <= 500, `${full} were dropped`);
  assert.equal(tasks.size, 1);
});

test('a failure is retried for half a minute, and a lost answer makes no second Event', async () => {
  // Two requests are cut on the way to the server, then the answer to the third.
  const journeys = ['cut', 'cut', 'there', 'cut'];
  const { clock, kube, record, tasks, names, dropped } = setting(async () => {
    if (journeys.shift() === 'cut')
      throw new KubeError('cut', { httpStatus: undefined, reason: 'Unreachable' });
  });
  record(widget('a'), FAILED);
  for (let second = 0; second < 10; second += 1) {
    await turn();
    clock.advance(1000);
  }
  await tasks.idle();
  assert.deepEqual([names().length, kube.count('create'), await dropped('failed')], [1, 2, 0]);
});

test('an Event that fails after that, or is refused, is dropped and counted, and the next one is written', async () => {
  for (const [httpStatus, cause, requests] of [
    [undefined, 'failed', 6],
    [503, 'failed', 6],
    [429, 'failed', 6],
    [403, 'refused', 1],
  ] as const) {
    let tried = 0;
    const { clock, kube, record, tasks, dropped } = setting(async ({ name }) => {
      if (!name.startsWith('bad')) return;
      tried += 1;
      throw new KubeError('no', { httpStatus, reason: 'Test' });
    });
    record(widget('bad'), FAILED);
    record(widget('good'), FAILED);
    await waitFor(async () => {
      clock.advance(1000);
      return tasks.size === 0;
    });
    assert.deepEqual([tried, await dropped(cause), kube.count('create')], [requests, 1, 1]);
  }
});

test('a program that ends leaves no writer running', async () => {
  const { clock, record, tasks } = setting(() =>
    Promise.reject(new KubeError('no', { httpStatus: undefined, reason: 'Test' })),
  );
  record(widget('a'), FAILED);
  await turn();
  assert.equal(clock.pending, 1);
  await tasks.close();
  assert.equal(clock.pending, 0);
});
