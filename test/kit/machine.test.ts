import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineOf, measure, measureMachine, QUIET_PULL_MS } from './machine.ts';

const MiB = 1 << 20;
const QUIET = { pullMs: QUIET_PULL_MS, lateMs: 1, load: 1 };

test('a quiet machine gets limits and sizes as they are, and so does one that is faster', () => {
  for (const pullMs of [QUIET_PULL_MS, 10]) {
    const { slowness, limit, size } = machineOf({ ...QUIET, pullMs });
    assert.deepEqual([slowness, limit(50), limit(10_000), size(16 * MiB, MiB)], [1, 50, 10_000, 16 * MiB]);
  }
});

test('a slow machine gets longer limits and smaller sizes, by the worse of its pull and its load', () => {
  for (const worse of [{ pullMs: 4 * QUIET_PULL_MS }, { load: 4 }]) {
    const { slowness, limit, size } = machineOf({ ...QUIET, ...worse });
    assert.deepEqual([slowness, limit(10_000), size(16 * MiB, MiB)], [4, 40_000, 4 * MiB]);
  }
});

test('late timers lengthen a short limit more than a long one', () => {
  const { limit } = machineOf({ ...QUIET, lateMs: 22 });
  assert.deepEqual([limit(50), limit(10_000)], [250, 10_200]);
});

test('a size has its least, and no limit grows more than 40 times', () => {
  const { limit, size } = machineOf({ pullMs: 1e6, lateMs: 1e6, load: 100 });
  assert.deepEqual([limit(50), size(16 * MiB, MiB)], [50 * 40, MiB]);
});

test('the machine is measured once per process, and anew for a wait whose limit has passed', async () => {
  assert.equal(await measureMachine(), await measureMachine());
  const { pullMs, lateMs, load } = await measure();
  assert.ok(pullMs > 1 && lateMs >= 0 && load >= 0, `${pullMs} ms, ${lateMs} ms late, load ${load}`);
});
