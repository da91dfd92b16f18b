import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { endsWithin, ManualClock, sleep, systemClock } from './clock.ts';

describe('the manual clock', () => {
  test('stands still until it is moved, and both its times move alike', () => {
    const clock = new ManualClock(5000);
    assert.deepEqual([clock.now(), clock.monotonic()], [5000, 5000]);
    clock.advance(250);
    assert.deepEqual([clock.now(), clock.monotonic()], [5250, 5250]);
  });

  test('fires a timer when its time has come, not before, and once', () => {
    const clock = new ManualClock();
    let fired = 0;
    clock.after(100, () => (fired += 1));
    clock.advance(99);
    assert.equal(fired, 0);
    clock.advance(1);
    clock.advance(1000);
    assert.equal(fired, 1);
    assert.equal(clock.pending, 0);
  });

  test('a timer that was cancelled never fires', () => {
    const clock = new ManualClock();
    const cancel = clock.after(10, () => assert.fail('cancelled'));
    cancel();
    cancel();
    clock.advance(20);
    assert.equal(clock.pending, 0);
  });

  test('a timer set by a timer fires in the same advance when it is due, at its own time', () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    clock.after(10, () => {
      times.push(clock.now());
      clock.after(5, () => times.push(clock.now()));
      clock.after(50, () => times.push(clock.now()));
    });
    clock.advance(30);
    assert.deepEqual(times, [10, 15]);
    assert.equal(clock.now(), 30);
    assert.equal(clock.pending, 1);
  });

  test('timers fire in the order of their times, equal ones in the order they were set, however time moves', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { maxLength: 30 }),
        fc.array(fc.nat(40), { maxLength: 20 }),
        (delays, steps) => {
          const clock = new ManualClock(0);
          const fired: number[] = [];
          delays.forEach((delay, index) => clock.after(delay, () => fired.push(index)));
          for (const step of steps) clock.advance(step);
          const end = steps.reduce((sum, step) => sum + step, 0);
          // Nothing was advanced at all: nothing fires, not even what is due at once.
          const due =
            steps.length === 0 ? [] : delays.flatMap((delay, index) => (delay <= end ? [index] : []));
          assert.deepEqual(
            fired,
            due.sort((a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b),
          );
          assert.equal(clock.pending, delays.length - fired.length);
        },
      ),
    );
  });
});

describe('sleep', () => {
  test('resolves when the time has come and leaves no listener', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const sleeping = sleep(clock, 100, signal);
    clock.advance(100);
    await sleeping;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('rejects with the reason as soon as the signal aborts, and takes its timer back', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, controller.signal);
    controller.abort(new RangeError('gone'));
    await assert.rejects(sleeping, new RangeError('gone'));
    assert.equal(clock.pending, 0);
  });

  test('rejects at once, without a timer, when the signal has aborted before', async () => {
    const clock = new ManualClock();
    await assert.rejects(
      sleep(clock, 100, AbortSignal.abort(new RangeError('gone'))),
      new RangeError('gone'),
    );
    assert.equal(clock.pending, 0);
  });
});

test('the system’s clock counts milliseconds since 1970, never back, and its timers can be cancelled', async () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  const before = systemClock.monotonic();
  systemClock.after(1, () => assert.fail('cancelled'))();
  const alive = setTimeout(() => {}, 10_000);
  await sleep(systemClock, 2);
  clearTimeout(alive);
  assert.ok(systemClock.monotonic() > before);
});

test('endsWithin says whether work has settled in time, and leaves no timer', async () => {
  const clock = new ManualClock();
  assert.equal(await endsWithin(clock, Promise.resolve(), 1000), true);
  assert.equal(await endsWithin(clock, Promise.reject(new Error('failed')), 1000), true);
  const late = endsWithin(clock, new Promise(() => {}), 1000);
  clock.advance(1000);
  assert.equal(await late, false);
  assert.equal(clock.pending, 0);
});
