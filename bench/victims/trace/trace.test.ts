import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from './image.ts';
import { createRandom } from './random.ts';
import { DAY_MS, HOUR_MS } from './time.ts';
import { BURST_MS, traceOf } from './trace.ts';
import { PLAIN_MONTH, SCANNED_MONTH } from './workload.ts';

const WEEK = { ...SCANNED_MONTH, days: 7 };
const trace = traceOf(1, WEEK);
const items = [...new Set(trace.reads.map(({ item }) => item))];

test('a seed gives the same trace each time, another seed another one', () => {
  assert.deepEqual(traceOf(1, WEEK), trace);
  assert.notEqual(traceOf(2, WEEK).reads.length, trace.reads.length);
});

test('reads come in the order of time, and know their neighbours', () => {
  const last = new Map<Item, number>();
  let before = 0;
  for (const { at, item, id, first } of trace.reads) {
    assert.ok(at >= before);
    assert.equal(first, at - (last.get(item) ?? -Infinity) > BURST_MS);
    assert.equal(items[id], item);
    last.set(item, at);
    before = at;
  }
  const next = new Map<Item, number>();
  for (const { at, item, nextAt } of trace.reads.toReversed()) {
    assert.equal(nextAt, next.get(item) ?? Infinity);
    next.set(item, at);
  }
});

test('the footprint is each item once', () => {
  assert.equal(
    trace.footprint,
    items.reduce((sum, { size }) => sum + size, 0),
  );
});

test('most layers are small, and the largest tenth holds most of the bytes', () => {
  const sizes = items
    .filter(({ kind }) => kind === 'layer')
    .map(({ size }) => size)
    .sort((a, b) => a - b);
  const median = sizes[sizes.length >> 1]!;
  assert.ok(median > 1e6 && median < 10e6, `${median}`);
  assert.ok(sizes.at(-1)! > 1e9);
  const sum = (all: number[]): number => all.reduce((total, size) => total + size, 0);
  assert.ok(sum(sizes.slice(-sizes.length / 10)) > 0.6 * sum(sizes));
});

test('a scanner reads everything in the night; without it nights are quiet', () => {
  const nightly = (reads: typeof trace.reads): number =>
    reads.filter(({ at }) => at % DAY_MS >= 2 * HOUR_MS && at % DAY_MS < 5 * HOUR_MS).length / reads.length;
  assert.ok(nightly(trace.reads) > 0.3);
  assert.ok(nightly(traceOf(1, { ...PLAIN_MONTH, days: 7 }).reads) < 0.15);
});

test('much is read once, and some of it very often', () => {
  const counts = new Map<Item, number>();
  for (const { item } of traceOf(1, { ...PLAIN_MONTH, days: 7 }).reads)
    counts.set(item, (counts.get(item) ?? 0) + 1);
  const all = [...counts.values()];
  assert.ok(all.filter((count) => count === 1).length > 0.15 * all.length);
  assert.ok(Math.max(...all) > 200);
});

test('random numbers have the means and bounds of their comments', () => {
  const random = createRandom(7);
  const mean = (draw: () => number): number =>
    Array.from({ length: 20_000 }, draw).reduce((sum, value) => sum + value, 0) / 20_000;
  assert.ok(Math.abs(mean(() => random.uniform()) - 0.5) < 0.01);
  assert.ok(Math.abs(mean(() => random.normal())) < 0.03);
  assert.ok(Math.abs(mean(() => random.poisson(4)) - 4) < 0.1);
  assert.ok(Math.abs(mean(() => Number(random.chance(0.3))) - 0.3) < 0.02);
  assert.ok(Math.abs(mean(() => Number(random.logNormal(100, 2) < 100)) - 0.5) < 0.02);
  const dice = new Set(Array.from({ length: 1000 }, () => random.whole(1, 6)));
  assert.deepEqual(
    [...dice].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6],
  );
});
