import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../kit/clock.ts';
import { HealthGate, type Attempt, type GateState } from './health-gate.ts';

interface Setting {
  readonly clock: ManualClock;
  readonly gate: HealthGate;
  readonly changes: GateState[];
  /** One attempt a second, `+` or `-`. */
  readonly run: (outcomes: string) => GateState;
}

function setting(): Setting {
  const clock = new ManualClock();
  const changes: GateState[] = [];
  const gate = new HealthGate(clock, (state) => changes.push(state));
  return {
    clock,
    gate,
    changes,
    run: (outcomes) => {
      for (const outcome of outcomes) {
        clock.advance(1000);
        const attempt = gate.attempt();
        if (outcome === '+') attempt.succeeded();
        else attempt.failed('down');
      }
      return gate.state;
    },
  };
}

describe('a gate', () => {
  test('is closed until the cache has answered once', () => {
    const { gate, run } = setting();
    assert.equal(gate.state, 'closed');
    assert.equal(run('--'), 'closed');
    assert.equal(run('+'), 'open');
  });

  test('lets no request through after a failure until the next success, and closes after three failures in a row', () => {
    const { run, changes } = setting();
    assert.equal(run('+-'), 'suspect');
    assert.equal(run('+'), 'open');
    assert.equal(run('--'), 'suspect');
    assert.equal(run('-'), 'closed');
    assert.deepEqual(changes, ['open', 'suspect', 'open', 'suspect', 'closed']);
  });

  test('closes after five failures within 30 s, successes in between or not', () => {
    assert.equal(setting().run('+-+-+-+-+'), 'open');
    assert.equal(setting().run('+-+-+-+-+-'), 'closed');
    const slow = setting();
    slow.run('+');
    for (const _ of Array.from({ length: 20 })) {
      slow.clock.advance(6_000);
      assert.equal(slow.run('-+'), 'open');
    }
  });

  test('opens again after three successes in a row, and after twice as many each time it closes soon', () => {
    const { run, clock } = setting();
    run('+');
    clock.advance(60_000);
    run('---');
    assert.equal(run('++-++'), 'closed');
    assert.equal(run('+'), 'open');
    run('---');
    assert.equal(run('+++++'), 'closed');
    assert.equal(run('+'), 'open');
    clock.advance(60_000);
    run('---');
    assert.equal(run('+++'), 'open');
  });

  test('counts connections that break together as one failure, and one that began before a success as none', () => {
    const { gate, clock, run } = setting();
    run('+');
    clock.advance(10);
    const many = Array.from({ length: 20 }, () => gate.attempt());
    clock.advance(10);
    for (const attempt of many) attempt.failed('down');
    assert.equal(gate.state, 'suspect');
    const hanging = gate.attempt();
    run('+');
    hanging.failed('down');
    assert.equal(gate.state, 'open');
  });

  test('counts answers that break off as failures, and those that break off together as one', () => {
    const { gate, clock, run } = setting();
    run('+');
    const answer = (): Attempt => {
      const attempt = gate.attempt();
      clock.advance(10);
      attempt.succeeded();
      clock.advance(10);
      return attempt;
    };
    const many = Array.from({ length: 20 }, answer);
    for (const attempt of many) attempt.failed('down');
    assert.equal(gate.state, 'suspect');
    for (const _ of [2, 3, 4]) {
      answer().failed('down');
      assert.equal(gate.state, 'suspect');
    }
    answer().failed('down');
    assert.equal(gate.state, 'closed');
  });

  test('has the reason why it is not open, and reports another reason while it is closed', () => {
    const clock = new ManualClock();
    const reported: string[] = [];
    const gate = new HealthGate(clock, (state) => reported.push(`${state} ${gate.problem}`));
    const attempt = (why?: string): void => {
      clock.advance(1000);
      const current = gate.attempt();
      if (why === undefined) current.succeeded();
      else current.failed(why);
    };
    assert.equal(gate.problem, '');
    for (const why of ['no', 'no', undefined, 'a', 'b', 'c', 'c', 'd', undefined, undefined]) attempt(why);
    assert.equal(gate.problem, 'd');
    const began = gate.attempt();
    attempt();
    began.failed('long ago');
    assert.equal(gate.problem, '');
    assert.deepEqual(reported, ['closed no', 'open ', 'suspect a', 'closed c', 'closed d', 'open ']);
  });

  test('opens within 24 successes in a row and closes within three failures after any history, and never lets a request through after a failure', () => {
    const event = fc.record({ wait: fc.nat({ max: 5_000 }), good: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const clock = new ManualClock();
        const gate = new HealthGate(clock);
        for (const { wait, good } of events) {
          clock.advance(wait + 1);
          const attempt = gate.attempt();
          if (good) attempt.succeeded();
          else attempt.failed('down');
          if (!good) assert.notEqual(gate.state, 'open');
        }
        const repeat = (times: number, good: boolean): GateState => {
          for (let count = 0; count < times; count += 1) {
            clock.advance(1);
            const attempt = gate.attempt();
            if (good) attempt.succeeded();
            else attempt.failed('down');
          }
          return gate.state;
        };
        assert.equal(repeat(24, true), 'open');
        assert.equal(repeat(3, false), 'closed');
        assert.equal(repeat(24, true), 'open');
      }),
    );
  });
});
