import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { Leadership } from './leadership.ts';

test('leadership counts from the time a renewal was sent, not answered', () => {
  const clock = new ManualClock();
  const leadership = new Leadership(clock, 10_000, clock.monotonic() - 1_000);
  clock.advance(4_000);
  const sentAt = clock.monotonic();
  clock.advance(4_000);
  leadership.renewed(sentAt);
  clock.advance(5_999);
  assert.equal(leadership.isLive(), true);
  clock.advance(1);
  assert.equal(leadership.signal.aborted, true);
  assert.ok(isLarderError(leadership.signal.reason, 'LEADERSHIP_LOST'));
  assert.equal(clock.pending, 0);
});

test('an answer after the deadline is ignored, however early the renewal was sent', () => {
  const clock = new ManualClock();
  const leadership = new Leadership(clock, 10_000, clock.monotonic());
  clock.advance(9_000);
  const sentAt = clock.monotonic();
  clock.advance(1_000);
  leadership.renewed(sentAt);
  assert.equal(leadership.isLive(), false);
});

test('an ended leadership leaves no timer', () => {
  const clock = new ManualClock();
  const leadership = new Leadership(clock, 10_000, clock.monotonic());
  assert.equal(clock.pending, 1);
  leadership.end();
  assert.equal(clock.pending, 0);
});
