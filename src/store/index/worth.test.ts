import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { worthAfterUse, worthOfNew, type UseRecord } from './worth.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIB = 1024 ** 2;
const LIMIT = 100 * 1024 * MIB;

/** Content of `size` bytes after uses at these times; the first use is the fetch. */
function used(size: number, first: number, ...later: number[]): UseRecord {
  let content = { size, usedAt: first, worth: worthOfNew(size, first, LIMIT) };
  for (const at of later) content = { size, usedAt: at, worth: worthAfterUse(content, at, LIMIT) };
  return content;
}

const sizes = fc.integer({ min: 0, max: 2 ** 33 });
const times = fc
  .array(fc.integer({ min: 0, max: 60 * DAY }), { minLength: 1, maxLength: 30 })
  .map((all) => all.map((ms) => NOW + ms).sort((a, b) => a - b) as [number, ...number[]]);

test('of two used once, the one with the older use goes first, whatever their sizes above 1 MiB', () => {
  assert.ok(used(MIB, NOW).worth < used(900 * MIB, NOW + 1).worth);
});

test('content used on each of two days outlives content used once, for most of a day', () => {
  const twice = used(10 * MIB, NOW, NOW + DAY).worth;
  assert.ok(twice > used(10 * MIB, NOW + DAY + 14 * HOUR).worth);
  assert.ok(twice < used(10 * MIB, NOW + DAY + 18 * HOUR).worth);
});

test('content that was read again outlives all content read once in the hour after it', () => {
  const again = used(10 * MIB, NOW, NOW + MINUTE).worth;
  assert.ok(again > used(10 * MIB, NOW + 60 * MINUTE).worth);
  assert.ok(again < used(10 * MIB, NOW + 70 * MINUTE).worth);
});

test('a rollout to 40 nodes is worth little more than a pull by two', () => {
  const rollout = Array.from({ length: 39 }, (_, node) => NOW + 8000 * (node + 1));
  const many = used(10 * MIB, NOW, ...rollout).worth;
  assert.ok(many - used(10 * MIB, NOW, rollout.at(-1)!).worth < 10 * MINUTE);
});

test('the interval at which uses are noted makes no difference that matters', () => {
  const everyMinute = used(10 * MIB, NOW, ...Array.from({ length: 1440 }, (_, n) => NOW + (n + 1) * MINUTE));
  const everyHour = used(10 * MIB, NOW, ...Array.from({ length: 24 }, (_, n) => NOW + (n + 1) * HOUR));
  assert.ok(Math.abs(everyMinute.worth - everyHour.worth) < HOUR);
});

test('a config outlives the layers beside it by a week', () => {
  assert.ok(used(8 * 1024, NOW).worth > used(MIB, NOW + 6.9 * DAY).worth);
});

test('small content is worth nothing more where little of it would fill the limit', () => {
  assert.equal(worthOfNew(64 * 1024, NOW, 100 * MIB), worthOfNew(2 * MIB, NOW, 100 * MIB));
});

test('worth never falls, and is never below that of one use at the same time', () => {
  fc.assert(
    fc.property(sizes, times, (size, uses) => {
      let content = used(size, uses[0]);
      for (const at of uses.slice(1)) {
        const worth = worthAfterUse(content, at, LIMIT);
        assert.ok(worth >= content.worth);
        assert.ok(worth >= worthOfNew(size, at, LIMIT));
        content = { size, usedAt: at, worth };
      }
    }),
  );
});

test('however often content is used, it counts for less than four uses: nothing stays for ever', () => {
  fc.assert(
    fc.property(sizes, times, (size, [first, ...later]) => {
      const last = later.at(-1) ?? first;
      const least = worthOfNew(size, last, LIMIT);
      assert.ok(used(size, first, ...later).worth <= least + HOUR + 2 * DAY);
    }),
  );
});

test('of two with the same uses the larger never outlives the smaller', () => {
  fc.assert(
    fc.property(sizes, sizes, times, (one, other, [first, ...later]) => {
      const [small, large] = [Math.min(one, other), Math.max(one, other)];
      assert.ok(used(small, first, ...later).worth >= used(large, first, ...later).worth - later.length);
    }),
  );
});

test('content that is read all the time outlives all that is read once, as long as it rests for less than an hour', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: HOUR - 1 }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: MIB, max: 2 ** 33 }),
      (rests, size) => {
        let content = used(5000 * MIB, NOW, NOW + 1);
        for (const rest of rests) {
          const at = content.usedAt + rest;
          assert.ok(worthOfNew(size, at, LIMIT) < content.worth);
          content = { ...content, usedAt: at, worth: worthAfterUse(content, at, LIMIT) };
        }
      },
    ),
  );
});

test('a clock that is set back costs nothing', () => {
  const content = used(10 * MIB, NOW);
  assert.ok(worthAfterUse(content, NOW - DAY, LIMIT) >= content.worth);
});
