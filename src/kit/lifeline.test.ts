import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { ManualClock } from './clock.ts';
import { createLifeline } from './lifeline.ts';

test('ends with its parent, for the same reason, and at once when that has ended', () => {
  const parent = new AbortController();
  using life = createLifeline(new ManualClock(), parent.signal);
  parent.abort(new Error('enough'));
  assert.match(String(life.signal.reason), /enough/);
  using late = createLifeline(new ManualClock(), parent.signal);
  assert.match(String(late.signal.reason), /enough/);
});

test('ends at the first limit that is not lifted', () => {
  const clock = new ManualClock();
  using life = createLifeline(clock, new AbortController().signal);
  const lift = life.limit(10, () => new Error('first'));
  life.limit(20, () => new Error('second'));
  lift();
  clock.advance(19);
  assert.equal(life.signal.aborted, false);
  clock.advance(1);
  assert.match(String(life.signal.reason), /second/);
});

test('leaves no timer and no listener', () => {
  const clock = new ManualClock();
  const parent = new AbortController();
  {
    using life = createLifeline(clock, parent.signal);
    life.limit(10, () => new Error('late'));
    assert.equal(getEventListeners(parent.signal, 'abort').length, 1);
  }
  assert.equal(getEventListeners(parent.signal, 'abort').length, 0);
  assert.equal(clock.pending, 0);
});
