import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHandSource } from '../../../test/kube/hand-source.ts';
import { gate, parseMetrics, waitFor } from '../../../test/kit/index.ts';
import { ManualClock, sleep } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { createLogger } from '../../kit/logger.ts';
import { createMetrics } from '../../kit/metrics.ts';
import { createController, type ControllerOptions } from './controller.ts';
import type { Reconcile } from './reconcile.ts';

function setting(reconcile: Reconcile, more: Partial<ControllerOptions> = {}) {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: 'warn', format: 'json' }, (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const metrics = createMetrics();
  const source = createHandSource();
  const controller = createController(
    { clock, logger, metrics },
    { name: 'test', sources: [source], reconcile, ...more },
  );
  const results = async (result: string): Promise<number> =>
    parseMetrics(await metrics.registry.metrics()).sum('larder_kube_reconciles_total', { result });
  return { clock, lines, source, controller, results };
}

/** A reconcile that notes its keys and asks `decide` for the outcome of each. */
function noting(decide: Reconcile = () => Promise.resolve('done')) {
  const keys: string[] = [];
  const reconcile: Reconcile = (key, context) => {
    keys.push(key);
    return decide(key, context);
  };
  return { keys, reconcile };
}

const leading = (): AbortSignal => new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('nothing is reconciled before every source has synced; then what changed since goes before the initial list', async () => {
  const { keys, reconcile } = noting();
  const late = createHandSource();
  const early = createHandSource();
  const { controller } = setting(reconcile, { sources: [early, late] });
  early.change('a', 'b', 'c');
  early.sync();
  const run = controller.run(leading());
  early.change('c', 'd');
  await turn();
  assert.deepEqual(keys, []);
  late.sync();
  await waitFor(() => keys.length === 4);
  assert.deepEqual(keys, ['c', 'd', 'a', 'b']);
  await controller.stop();
  await run;
});

describe('the outcome of a reconcile', () => {
  test('requeueAfterMs brings the key back at that time', async () => {
    const { keys, reconcile } = noting((key) =>
      Promise.resolve(key === 'later' ? { requeueAfterMs: 60_000 } : 'done'),
    );
    const { clock, source, controller, results } = setting(reconcile);
    source.sync();
    void controller.run(leading());
    source.change('later', 'once');
    await waitFor(() => keys.length === 2);
    await turn();
    clock.advance(59_999);
    await turn();
    assert.equal(keys.length, 2);
    clock.advance(1);
    await waitFor(() => keys.length === 3);
    assert.deepEqual([await results('requeued'), await results('done')], [2, 1]);
    await controller.stop();
  });

  test('a throw, even of no error and before the first await, is logged and tried again with back-off', async () => {
    let failures = 4;
    const { keys, reconcile } = noting(() => {
      if (failures-- > 0) throw failures % 2 === 0 ? new RangeError('broken') : ('text' as unknown as Error);
      return Promise.resolve('done');
    });
    const { clock, lines, source, controller, results } = setting(reconcile);
    source.sync();
    void controller.run(leading());
    source.change('a');
    for (const ms of [5, 10, 20, 40]) {
      const before = keys.length;
      await waitFor(() => keys.length > 0);
      await turn();
      clock.advance(ms - 1);
      await turn();
      assert.ok(keys.length <= Math.max(before, 1));
      clock.advance(1);
      await turn();
    }
    await waitFor(() => keys.length === 5);
    assert.deepEqual([await results('error'), await results('done')], [4, 1]);
    assert.deepEqual(
      lines.map(({ controller, key, reconcile, error, failures }) => [
        controller,
        key,
        reconcile,
        error,
        failures,
      ]),
      [
        ['test', 'a', 1, 'text', 1],
        ['test', 'a', 2, 'broken', 2],
        ['test', 'a', 3, 'text', 3],
        ['test', 'a', 4, 'broken', 4],
      ],
    );
    await controller.stop();
  });

  test('a terminal error is recorded and not retried, until something changes', async () => {
    const { keys, reconcile } = noting(() => Promise.resolve({ terminalError: new Error('no such name') }));
    const { clock, lines, source, controller, results } = setting(reconcile);
    source.sync();
    void controller.run(leading());
    source.change('a');
    await waitFor(() => keys.length === 1);
    await turn();
    clock.advance(86_400_000);
    await turn();
    assert.deepEqual([keys.length, lines[0]?.['error'], await results('terminal')], [1, 'no such name', 1]);
    source.change('a');
    await waitFor(() => keys.length === 2);
    await controller.stop();
  });
});

test('workers work side by side, never two on one key', async () => {
  const open = gate();
  const { keys, reconcile } = noting(async () => {
    await open.passed;
    return 'done';
  });
  const { source, controller } = setting(reconcile, { workers: 3 });
  source.sync();
  void controller.run(leading());
  source.change('a', 'a', 'b');
  await waitFor(() => keys.length === 2);
  source.change('a');
  await turn();
  assert.deepEqual(keys, ['a', 'b']);
  open.open();
  await waitFor(() => keys.length === 3);
  await controller.stop();
});

test('a reconcile that takes too long is aborted, logged, and tried again only after it has ended', async () => {
  const reasons: unknown[] = [];
  const { keys, reconcile } = noting(async (_, { signal }) => {
    if (keys.length > 1) return 'done';
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    reasons.push(signal.reason);
    throw signal.reason;
  });
  const { clock, lines, source, controller } = setting(reconcile, { timeLimitMs: 1000 });
  source.sync();
  void controller.run(leading());
  source.change('a');
  await waitFor(() => keys.length === 1);
  clock.advance(1000);
  await waitFor(() => lines.length === 2);
  assert.ok(isLarderError(reasons[0], 'RECONCILE_TIMEOUT'));
  clock.advance(5);
  await waitFor(() => keys.length === 2);
  await controller.stop();
  assert.equal(clock.pending, 0);
});

describe('a stop', () => {
  test('lets running reconciles finish and begins no other', async () => {
    const open = gate();
    const aborted: boolean[] = [];
    const { keys, reconcile } = noting(async (_, { signal }) => {
      await open.passed;
      aborted.push(signal.aborted);
      return 'done';
    });
    const { clock, source, controller } = setting(reconcile);
    source.sync();
    const run = controller.run(leading());
    source.change('a', 'b');
    await waitFor(() => keys.length === 1);
    const stopping = controller.stop();
    clock.advance(24_000);
    open.open();
    await Promise.all([stopping, run]);
    assert.deepEqual([keys, aborted, clock.pending], [['a'], [false], 0]);
  });

  test('aborts them after 25 s, and leaves those behind after 30 s that do not listen', async () => {
    const listening = noting((_, { signal }) => sleep(new ManualClock(), 1, signal).then(() => 'done'));
    const deaf = noting(() => new Promise(() => {}));
    for (const { keys, reconcile, lines: expected } of [
      { ...listening, lines: 1 },
      { ...deaf, lines: 2 },
    ]) {
      const { clock, lines, source, controller } = setting(reconcile);
      source.sync();
      void controller.run(leading());
      source.change('a');
      await waitFor(() => keys.length === 1);
      const stopping = controller.stop();
      for (const ms of [25_000, 5_000]) {
        await turn();
        clock.advance(ms);
      }
      await stopping;
      assert.equal(lines.length, expected);
    }
  });

  test('ends a controller that still waits for its sources', async () => {
    const { keys, reconcile } = noting();
    const { source, controller } = setting(reconcile);
    source.change('a');
    const run = controller.run(leading());
    await controller.stop();
    await run;
    assert.deepEqual(keys, []);
  });
});

test('when leadership is lost, running reconciles are aborted at once and nothing else begins', async () => {
  const leader = new AbortController();
  const { keys, reconcile } = noting((_, { signal }) =>
    sleep(new ManualClock(), 1, signal).then(() => 'done'),
  );
  const { clock, lines, source, controller } = setting(reconcile);
  source.sync();
  const run = controller.run(leader.signal);
  source.change('a', 'b');
  await waitFor(() => keys.length === 1);
  leader.abort(new Error('lost'));
  await run;
  assert.deepEqual([keys, lines, clock.pending], [['a'], [], 0]);
  await controller.stop();
});
