import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

const { signal } = new AbortController();

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

test('property: in no span of time are more let through than its length and the burst allow, and all are in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(8), { maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      async (ticksBefore, burst) => {
        const clock = new ManualClock(0);
        const bucket = new TokenBucket(clock, { perSecond: 10, burst });
        const passed: number[] = [];
        const tick = (): Promise<void> => {
          clock.advance(50);
          return new Promise(setImmediate);
        };
        for (const ticks of ticksBefore) {
          for (let count = 0; count < ticks; count += 1) await tick();
          void bucket.wait(signal).then(() => passed.push(clock.now()));
          await new Promise(setImmediate);
        }
        while (clock.pending > 0) await tick();
        await tick();
        assert.equal(passed.length, ticksBefore.length);
        for (const [first, from] of passed.entries())
          for (const [more, to] of passed.slice(first).entries())
            // Half a token more: a tick is as long as that.
            assert.ok(more + 1 <= burst + (to - from) / 100 + 0.5, passed.join(' '));
      },
    ),
    { numRuns: 50 },
  );
});

test('the burst goes at once, the others one by one in their order', async () => {
  const clock = new ManualClock(0);
  const bucket = new TokenBucket(clock, { perSecond: 10, burst: 2 });
  const passed: number[] = [];
  for (const order of [1, 2, 3, 4]) void bucket.wait(signal).then(() => passed.push(order));
  const settled = async (ms: number): Promise<number[]> => {
    clock.advance(ms);
    await new Promise(setImmediate);
    return passed;
  };
  assert.deepEqual(await settled(0), [1, 2]);
  assert.deepEqual(await settled(99), [1, 2]);
  assert.deepEqual(await settled(1), [1, 2, 3]);
  assert.deepEqual(await settled(100), [1, 2, 3, 4]);
});

test('a wait that is given up takes no token', async () => {
  const clock = new ManualClock(0);
  const bucket = new TokenBucket(clock, { perSecond: 1, burst: 1 });
  await bucket.wait(signal);
  const controller = new AbortController();
  const given = assert.rejects(bucket.wait(controller.signal), /enough/);
  controller.abort(new Error('enough'));
  await given;
  const next = bucket.wait(signal);
  clock.advance(1000);
  await next;
  assert.equal(clock.pending, 0);
});
