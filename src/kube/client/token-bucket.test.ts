import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { createTokenBucket } from './token-bucket.ts';

const { signal } = new AbortController();

test('property: in no span of time are more let through than its length and the burst allow, and all are in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(8), { maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      async (ticksBefore, burst) => {
        const clock = new ManualClock(0);
        const bucket = createTokenBucket(clock, { perSecond: 10, burst });
        const passed: number[] = [];
        const tick = (): Promise<void> => {
          clock.advance(50);
          return new Promise(setImmediate);
        };
        for (const ticks of ticksBefore) {
          for (let count = 0; count < ticks; count += 1) await tick();
          void bucket.take(signal).then(() => passed.push(clock.now()));
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
  const bucket = createTokenBucket(clock, { perSecond: 10, burst: 2 });
  const passed: number[] = [];
  for (const order of [1, 2, 3, 4]) void bucket.take(signal).then(() => passed.push(order));
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

test('who gives up takes no token', async () => {
  const clock = new ManualClock(0);
  const bucket = createTokenBucket(clock, { perSecond: 1, burst: 1 });
  await bucket.take(signal);
  const controller = new AbortController();
  const given = assert.rejects(bucket.take(controller.signal), /enough/);
  controller.abort(new Error('enough'));
  await given;
  const next = bucket.take(signal);
  clock.advance(1000);
  await next;
  assert.equal(clock.pending, 0);
});
