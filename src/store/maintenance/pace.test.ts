import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { createPace } from './pace.ts';

const STEP = 1000;
/** Longest delay of a due step. */
const DELAY_MS = 5_000;
const never = new AbortController().signal;

/** Passes `bytes`, letting time pass in steps of `everyMs`. Returns the time at which they passed. */
async function step(
  clock: ManualClock,
  pace: (bytes: number, signal: AbortSignal) => Promise<void>,
  bytes = STEP,
  everyMs = 1,
): Promise<number> {
  const state = { passed: false };
  const waiting = pace(bytes, never).then(() => {
    state.passed = true;
  });
  await turn();
  while (!state.passed) {
    clock.advance(everyMs);
    await turn();
  }
  await waiting;
  return clock.monotonic();
}

test('steps are as far apart as the rate says', async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { bytesPerSecond: 10 * STEP });
  const start = clock.monotonic();
  const times: number[] = [];
  for (let count = 0; count < 4; count += 1) times.push((await step(clock, pace)) - start);
  assert.deepEqual(times, [0, 100, 200, 300]);
});

test('a program that is never idle is read at the full rate, each step by the longest delay late', async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { bytesPerSecond: STEP, busy: () => true });
  const start = clock.monotonic();
  const times: number[] = [];
  for (let count = 0; count < 4; count += 1) times.push((await step(clock, pace)) - start);
  assert.deepEqual(
    times,
    [0, 1000, 2000, 3000].map((due) => due + DELAY_MS),
  );
});

test('an idle moment is used within a quarter of a second', async () => {
  const clock = new ManualClock();
  let isBusy = true;
  const pace = createPace(clock, { bytesPerSecond: STEP, busy: () => isBusy });
  const start = clock.monotonic();
  clock.after(1001, () => {
    isBusy = false;
  });
  assert.equal((await step(clock, pace)) - start, 1250);
});

test('an aborted step rejects with the reason and leaves no timer', async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { bytesPerSecond: 1, busy: () => true });
  for (const before of [0, DELAY_MS]) {
    const stop = new AbortController();
    const waiting = pace(STEP, stop.signal);
    clock.advance(before / 2);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
    assert.equal(clock.pending, 0);
    await assert.rejects(pace(STEP, stop.signal), /stopped/);
  }
});

test('in any time no more passes than the rate gives in that time and the longest delay, and a step', async () => {
  const wish = fc.record({
    bytes: fc.integer({ min: 1, max: STEP }),
    restMs: fc.nat(20_000),
    busy: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 50, max: 100_000 }),
      fc.array(wish, { maxLength: 40 }),
      async (rate, wishes) => {
        const clock = new ManualClock();
        let isBusy = false;
        const pace = createPace(clock, { bytesPerSecond: rate, busy: () => isBusy });
        const passed: { at: number; bytes: number }[] = [];
        for (const { bytes, restMs, busy } of wishes) {
          clock.advance(restMs);
          isBusy = busy;
          passed.push({ at: await step(clock, pace, bytes, 50), bytes });
        }
        for (const [from, first] of passed.entries()) {
          let sum = 0;
          for (const { at, bytes } of passed.slice(from)) {
            sum += bytes;
            // Time passes in steps of 50 ms here.
            const allowed = (rate * (at - first.at + DELAY_MS + 50)) / 1000 + STEP;
            assert.ok(sum <= allowed, `${sum} bytes in ${at - first.at} ms at ${rate} B/s`);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
