import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

function fail(breaker: CircuitBreaker, times: number): void {
  for (let count = 0; count < times; count += 1) breaker.pass().failed();
}

describe('CircuitBreaker', () => {
  it('opens at the fifth failure in a row, for 5 s, then for 8 s', () => {
    const clock = new ManualClock();
    const changes: boolean[] = [];
    const breaker = new CircuitBreaker(clock, (closed) => changes.push(closed));
    fail(breaker, 4);
    breaker.pass().succeeded();
    fail(breaker, 4);
    assert.equal(breaker.waitMs, 0);
    fail(breaker, 1);
    assert.equal(breaker.waitMs, 5_000);
    for (const _ of [1, 2, 3]) {
      clock.advance(breaker.waitMs);
      fail(breaker, 1);
      assert.equal(breaker.waitMs, 8_000);
    }
    clock.advance(8_000);
    breaker.pass().succeeded();
    assert.equal(breaker.waitMs, 0);
    assert.deepEqual(changes, [false, true]);
  });

  it('allows one probe at a time, and another one when that hangs', () => {
    const clock = new ManualClock();
    const breaker = new CircuitBreaker(clock);
    fail(breaker, 5);
    clock.advance(5_000);
    breaker.pass();
    assert.equal(breaker.waitMs, 1_500);
    clock.advance(1_500);
    assert.equal(breaker.waitMs, 0);
  });

  it('ignores failures of requests that began before a success, or before it opened', () => {
    const clock = new ManualClock();
    const breaker = new CircuitBreaker(clock);
    const stragglers = Array.from({ length: 20 }, () => breaker.pass());
    clock.advance(10);
    breaker.pass().succeeded();
    for (const straggler of stragglers) straggler.failed();
    assert.equal(breaker.waitMs, 0);
    const others = Array.from({ length: 20 }, () => breaker.pass());
    for (const other of others.slice(0, 5)) other.failed();
    clock.advance(4_000);
    for (const other of others) other.failed();
    assert.equal(breaker.waitMs, 1_000);
  });

  it('never stays open for more than 8 s, and is closed after a success, whatever happens', () => {
    const step = fc.record({
      wait: fc.nat({ max: 20_000 }),
      outcome: fc.constantFrom<('succeeded' | 'failed' | 'hangs')[]>('succeeded', 'failed', 'hangs'),
      late: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        let up = true;
        const breaker = new CircuitBreaker(clock, (closed) => {
          assert.notEqual(up, closed);
          up = closed;
        });
        const late: (() => void)[] = [];
        for (const { wait, outcome, late: isLate } of steps) {
          clock.advance(wait);
          assert.ok(breaker.waitMs <= 8_000);
          if (breaker.waitMs > 0) continue;
          const pass = breaker.pass();
          if (outcome === 'hangs') continue;
          if (isLate) late.push(() => pass[outcome]());
          else pass[outcome]();
          if (!isLate && outcome === 'succeeded') assert.ok(up && breaker.waitMs === 0);
          if (late.length > 3) late.shift()?.();
        }
      }),
    );
  });
});
