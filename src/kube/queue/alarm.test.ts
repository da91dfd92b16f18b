import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, type Clock } from '../../kit/clock.ts';
import { createAlarm } from './alarm.ts';

test('an alarm rings once, at the time set last', () => {
  const clock = new ManualClock();
  const rung: number[] = [];
  const start = clock.monotonic();
  const alarm = createAlarm(clock, () => rung.push(clock.monotonic() - start));
  alarm.set(start + 100);
  alarm.set(start + 50);
  assert.equal(clock.pending, 1);
  clock.advance(1000);
  assert.deepEqual(rung, [50]);
  alarm.set(start + 2000);
  alarm.set(undefined);
  assert.equal(clock.pending, 0);
});

test('an alarm waits for 60 days although no timer may be set to more than 2^31-1 ms', () => {
  const clock = new ManualClock();
  const waits: number[] = [];
  const watched: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => {
      waits.push(ms);
      return clock.after(ms, callback);
    },
  };
  let rung = 0;
  const days = 60 * 86_400_000;
  createAlarm(watched, () => (rung += 1)).set(clock.monotonic() + days);
  clock.advance(days - 1);
  assert.equal(rung, 0);
  clock.advance(1);
  assert.equal(rung, 1);
  assert.ok(waits.every((ms) => ms <= 2 ** 31 - 1));
});

test('an alarm keeps waiting if a timer fires early', () => {
  const clock = new ManualClock();
  const start = clock.monotonic();
  const early: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => clock.after(Math.max(1, ms - 3), callback),
  };
  const rung: number[] = [];
  createAlarm(early, () => rung.push(clock.monotonic() - start)).set(start + 10);
  clock.advance(100);
  assert.deepEqual(rung, [10]);
});
