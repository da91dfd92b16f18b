import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { createPace, PATIENCE_MS } from './pace.ts';

const STEP = 1000;
const never = new AbortController().signal;

/** Reads `bytes`, and lets the time pass that this waits for, `everyMs` at a time; gives when it was let through. */
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

test('who never rests is read at the full rate all the same, each step no later than the patience lasts', async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { bytesPerSecond: STEP, busy: () => true });
  const start = clock.monotonic();
  const times: number[] = [];
  for (let count = 0; count < 4; count += 1) times.push((await step(clock, pace)) - start);
  assert.deepEqual(
    times,
    [0, 1000, 2000, 3000].map((due) => due + PATIENCE_MS),
  );
});

test('an idle moment is taken within a quarter of a second', async () => {
  const clock = new ManualClock();
  let isBusy = true;
  const pace = createPace(clock, { bytesPerSecond: STEP, busy: () => isBusy });
  const start = clock.monotonic();
  clock.after(1001, () => {
    isBusy = false;
  });
  assert.equal((await step(clock, pace)) - start, 1250);
});

test('a step that is not wanted any more rejects with the reason and leaves no timer', async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { bytesPerSecond: 1, busy: () => true });
  for (const before of [0, PATIENCE_MS]) {
    const stop = new AbortController();
    const waiting = pace(STEP, stop.signal);
    clock.advance(before / 2);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
    assert.equal(clock.pending, 0);
    await assert.rejects(pace(STEP, stop.signal), /stopped/);
  }
});

test('in any time it lets pass no more than the rate gives in that time, the patience and a step', async () => {
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
            // Time moves on in steps of 50 ms here.
            const allowed = (rate * (at - first.at + PATIENCE_MS + 50)) / 1000 + STEP;
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
