import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LONGEST_PAUSE_MS, pauseMs } from './pause.ts';

test('pauses double from 0.8 s to 30 s', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 1000].map((failures) => pauseMs(failures, () => 1)),
    [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000],
  );
  assert.equal(
    pauseMs(1, () => 0),
    400,
  );
});

test('property: a pause is never longer than the longest, nor none', () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(
    fc.property(fc.integer({ min: 1 }), random, (failures, drawn) => {
      const ms = pauseMs(failures, () => drawn);
      assert.ok(ms >= 400 && ms <= LONGEST_PAUSE_MS);
    }),
  );
});
