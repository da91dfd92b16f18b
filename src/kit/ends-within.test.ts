import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from './clock.ts';
import { endsWithin } from './ends-within.ts';

test('says whether work has ended in time, and leaves no timer behind', async () => {
  const clock = new ManualClock();
  assert.equal(await endsWithin(clock, Promise.resolve(), 1000), true);
  assert.equal(await endsWithin(clock, Promise.reject(new Error('failed')), 1000), true);
  const late = endsWithin(clock, new Promise(() => {}), 1000);
  clock.advance(1000);
  assert.equal(await late, false);
  assert.equal(clock.pending, 0);
});
