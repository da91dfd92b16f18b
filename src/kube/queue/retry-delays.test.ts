import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../kit/clock.ts';
import { createRetryDelays } from './retry-delays.ts';

test('a key that keeps failing waits 5 ms, then twice as long each time, up to 1000 s', () => {
  const clock = new ManualClock();
  const delays = createRetryDelays(clock);
  const waits = Array.from({ length: 2000 }, () => {
    const ms = delays.next('a');
    clock.advance(ms);
    return ms;
  });
  assert.deepEqual(waits.slice(0, 4), [5, 10, 20, 40]);
  assert.deepEqual(new Set(waits.slice(18)), new Set([1_000_000]));
  assert.equal(delays.failures('a'), 2000);
});

test('success makes the next failure of this key its first', () => {
  const delays = createRetryDelays(new ManualClock());
  for (const key of ['a', 'a', 'b']) delays.next(key);
  delays.forget('a');
  assert.deepEqual([delays.next('a'), delays.next('b')], [5, 10]);
});

test('if a thousand keys fail at once, a hundred retry at once and then ten per second', () => {
  const delays = createRetryDelays(new ManualClock());
  const waits = Array.from({ length: 1000 }, (_, index) => delays.next(`key-${index}`));
  assert.equal(waits.filter((ms) => ms === 5).length, 100);
  assert.equal(waits.filter((ms) => ms <= 10_000).length, 200);
  assert.equal(Math.max(...waits), 90_000);
});
