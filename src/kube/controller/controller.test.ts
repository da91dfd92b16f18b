import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHandSource } from '../../../test/kube/hand-source.ts';
import { gate, parseMetrics, waitFor } from '../../../test/kit/index.ts';
import { ManualClock, sleep } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { createLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import { createController, type ControllerOptions } from './controller.ts';
import type { Reconcile } from './reconcile.ts';

function setting(reconcile: Reconcile, more: Partial<ControllerOptions> = {}) {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: 'warn', format: 'json' }, (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const source = createHandSource();
  const controller = createController(
    { clock, logger, metrics },
    { name: 'test', sources: [source], reconcile, ...more },
  );
  const results = async (result: string): Promise<number> =>
    parseMetrics(await metrics.registry.metrics()).sum('larder_kube_reconciles_total', { result });
  const stopping = new AbortController();
  const leader = new AbortController();
  const leading = { signal: leader.signal, isLive: () => !leader.signal.aborted };
  let running: Promise<void> = Promise.resolve();
  return {
    clock,
    lines,
    source,
    results,
    run: () => void (running = controller.run(stopping.signal, leading)),
    ended: () => running,
    stop: (): Promise<void> => {
      stopping.abort(new Error('SIGTERM'));
      return running;
    },
    lose: (): Promise<void> => {
      leader.abort(new Error('lost'));
      return running;
    },
    leading,
  };
}

/** A reconcile that notes its keys and asks `decide` for the result of each. */
function noting(decide: Reconcile = () => Promise.resolve('done')) {
  const keys: string[] = [];
  const reconcile: Reconcile = (key, context) => {
    keys.push(key);
    return decide(key, context);
  };
  return { keys, reconcile };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('nothing is reconciled before every source has synced; then changes go before the initial state', async () => {
  const open = gate();
  const { keys, reconcile } = noting(async () => {
    await open.passed;
    return 'done';
  });
  const late = createHandSource();
  const early = createHandSource();
  const { run, stop } = setting(reconcile, { sources: [early, late] });
  early.change('a', 'b', 'c');
  early.sync();
  run();
  await turn();
  assert.deepEqual(keys, []);
  late.sync();
  await waitFor(() => keys.length === 1);
  early.change('c', 'd');
  open.open();
  await waitFor(() => keys.length === 4);
  assert.deepEqual(keys, ['a', 'c', 'd', 'b']);
  await stop();
});

test('a failed worker ends the run with its failure, which is not an unhandled rejection', async () => {
  const { keys, reconcile } = noting();
  const { source, run, ended, leading } = setting(reconcile, { workers: 2 });
  leading.isLive = () => {
    throw new RangeError('broken');
  };
  source.sync();
  run();
  const failed = assert.rejects(ended(), new RangeError('broken'));
  source.change('a');
  await failed;
  assert.deepEqual(keys, []);
});

describe('the outcome of a reconcile', () => {
  test('requeueAfterMs brings the key back at that time', async () => {
    const { keys, reconcile } = noting((key) =>
      Promise.resolve(key === 'later' ? { requeueAfterMs: 60_000 } : 'done'),
    );
    const { clock, source, run, stop, results } = setting(reconcile);
    source.sync();
    run();
    source.change('later', 'once');
    await waitFor(() => keys.length === 2);
    await turn();
    clock.advance(59_999);
    await turn();
    assert.equal(keys.length, 2);
    clock.advance(1);
    await waitFor(() => keys.length === 3);
    assert.deepEqual([await results('requeued'), await results('done')], [2, 1]);
    await stop();
  });

  test('a throw, even of a non-error before the first await, is logged and retried with back-off', async () => {
    let failures = 4;
    const { keys, reconcile } = noting(() => {
      if (failures-- > 0) throw failures % 2 === 0 ? new RangeError('broken') : ('text' as unknown as Error);
      return Promise.resolve('done');
    });
    const { clock, lines, source, run, stop, results } = setting(reconcile);
    source.sync();
    run();
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
    await stop();
  });

  test('a terminal error is recorded and not retried, until something changes', async () => {
    const { keys, reconcile } = noting(() => Promise.resolve({ terminalError: new Error('no such name') }));
    const { clock, lines, source, run, stop, results } = setting(reconcile);
    source.sync();
    run();
    source.change('a');
    await waitFor(() => keys.length === 1);
    await turn();
    clock.advance(86_400_000);
    await turn();
    assert.deepEqual([keys.length, lines[0]?.['error'], await results('terminal')], [1, 'no such name', 1]);
    source.change('a');
    await waitFor(() => keys.length === 2);
    await stop();
  });
});

test('workers run in parallel, never two on one key', async () => {
  const open = gate();
  const { keys, reconcile } = noting(async () => {
    await open.passed;
    return 'done';
  });
  const { source, run, stop } = setting(reconcile, { workers: 3 });
  source.sync();
  run();
  source.change('a', 'a', 'b');
  await waitFor(() => keys.length === 2);
  source.change('a');
  await turn();
  assert.deepEqual(keys, ['a', 'b']);
  open.open();
  await waitFor(() => keys.length === 3);
  await stop();
});

test('a reconcile beyond its limit is aborted, logged, and retried only after it has ended', async () => {
  const reasons: unknown[] = [];
  const { keys, reconcile } = noting(async (_, { signal }) => {
    if (keys.length > 1) return 'done';
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    reasons.push(signal.reason);
    throw signal.reason;
  });
  const { clock, lines, source, run, stop } = setting(reconcile, { timeLimitMs: 1000 });
  source.sync();
  run();
  source.change('a');
  await waitFor(() => keys.length === 1);
  clock.advance(1000);
  await waitFor(() => lines.length === 2);
  assert.ok(isLarderError(reasons[0], 'RECONCILE_TIMEOUT'));
  clock.advance(5);
  await waitFor(() => keys.length === 2);
  await stop();
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
    const { clock, source, run, stop } = setting(reconcile);
    source.sync();
    run();
    source.change('a', 'b');
    await waitFor(() => keys.length === 1);
    const stopping = stop();
    clock.advance(24_000);
    open.open();
    await stopping;
    assert.deepEqual([keys, aborted, clock.pending], [['a'], [false], 0]);
  });

  test('aborts them after 25 s', async () => {
    const { keys, reconcile } = noting((_, { signal }) =>
      sleep(new ManualClock(), 1, signal).then(() => 'done'),
    );
    const { clock, lines, source, run, stop, results } = setting(reconcile);
    source.sync();
    run();
    source.change('a');
    await waitFor(() => keys.length === 1);
    const stopping = stop();
    await turn();
    clock.advance(25_000);
    await stopping;
    assert.deepEqual([lines.length, await results('error'), clock.pending], [1, 0, 0]);
  });

  test('fails after 30 s if a reconcile ignores its signal and may go on', async () => {
    const { keys, reconcile } = noting(() => new Promise(() => {}));
    const { clock, source, run, stop } = setting(reconcile);
    source.sync();
    run();
    source.change('a');
    await waitFor(() => keys.length === 1);
    const failing = assert.rejects(stop(), (error) => isLarderError(error, 'RECONCILE_TIMEOUT'));
    for (const ms of [25_000, 5_000]) {
      await turn();
      clock.advance(ms);
    }
    await failing;
  });

  test('ends a controller that still waits for its sources', async () => {
    const { keys, reconcile } = noting();
    const { source, run, stop } = setting(reconcile);
    source.change('a');
    run();
    await stop();
    assert.deepEqual(keys, []);
  });
});

describe('when leadership is lost', () => {
  test('running reconciles are aborted at once and nothing else begins', async () => {
    const { keys, reconcile } = noting((_, { signal }) =>
      sleep(new ManualClock(), 1, signal).then(() => 'done'),
    );
    const { clock, lines, source, run, lose } = setting(reconcile);
    source.sync();
    run();
    source.change('a', 'b');
    await waitFor(() => keys.length === 1);
    await lose();
    assert.deepEqual([keys, lines, clock.pending], [['a'], [], 0]);
  });

  test('and the signal has not fired yet, no reconcile begins', async () => {
    const { keys, reconcile } = noting();
    const { source, run, stop, leading } = setting(reconcile);
    source.sync();
    run();
    leading.isLive = () => false;
    source.change('a');
    await turn();
    assert.deepEqual(keys, []);
    await stop();
  });
});
