import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

test('gives its burst at once, then as many as come back', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, { perSecond: 2, burst: 3 });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
  );
  clock.advance(500);
  assert.deepEqual([bucket.take(), bucket.take()], [true, false]);
  clock.advance(3_600_000);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
  );
});

test('lends tokens in the order they come back', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, { perSecond: 10, burst: 2 });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.reserve()),
    [0, 0, 100, 200],
  );
  assert.equal(bucket.take(), false);
  clock.advance(200);
  assert.equal(bucket.take(), false);
  clock.advance(100);
  assert.equal(bucket.take(), true);
});

test('never gives more than burst and rate together, whatever the pauses', () => {
  const options = { perSecond: 4, burst: 5 };
  fc.assert(
    fc.property(fc.array(fc.nat(2000), { maxLength: 200 }), (pauses) => {
      const clock = new ManualClock();
      const began = clock.monotonic();
      const bucket = new TokenBucket(clock, options);
      let given = 0;
      for (const pause of pauses) {
        clock.advance(pause);
        if (bucket.take()) given += 1;
        const seconds = (clock.monotonic() - began) / 1000;
        assert.ok(given <= options.burst + options.perSecond * seconds + 1e-6);
      }
    }),
  );
});
