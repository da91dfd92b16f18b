import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './clock.ts';
import { SingleFlight } from './single-flight.ts';

describe('concurrent calls of one key', () => {
  test('run the work once and all get its value', async () => {
    const flights = new SingleFlight<string, number>();
    const { promise, resolve } = Promise.withResolvers<number>();
    let runs = 0;
    const work = (): Promise<number> => ((runs += 1), promise);
    const calls = [flights.do('a', work), flights.do('a', work), flights.do('a', work)];
    assert.equal(flights.has('a'), true);
    assert.equal(flights.size, 1);
    resolve(7);
    assert.deepEqual(await Promise.all(calls), [7, 7, 7]);
    assert.equal(runs, 1);
  });

  test('all get its failure, and the next call tries again', async () => {
    const flights = new SingleFlight<string, number>();
    const calls = [1, 2].map(() => flights.do('a', () => Promise.reject(new RangeError('no'))));
    for (const call of calls) await assert.rejects(call, RangeError);
    assert.equal(flights.has('a'), false);
    assert.equal(await flights.do('a', () => Promise.resolve(1)), 1);
  });
});

test('a call that comes too late to join runs work of its own, which later calls join; none loses its outcome', async () => {
  const clock = new ManualClock();
  const flights = new SingleFlight<string, number>({ clock, ms: 5 });
  const [lost, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const works = [lost, second];
  const call = (): Promise<number> => flights.do('a', () => works.shift()!.promise);
  const early = [call()];
  clock.advance(5);
  early.push(call());
  assert.equal(flights.has('a'), true);
  clock.advance(1);
  assert.equal(flights.has('a'), false);
  const late = [call()];
  lost.resolve(1);
  assert.deepEqual(await Promise.all(early), [1, 1]);
  assert.equal(flights.has('a'), true);
  late.push(call());
  second.resolve(2);
  assert.deepEqual(await Promise.all(late), [2, 2]);
  assert.equal(flights.size, 0);
});

test('work that throws instead of rejecting leaves no flight behind', () => {
  const flights = new SingleFlight<string, number>();
  assert.throws(() =>
    flights.do('a', () => {
      throw new RangeError('at once');
    }),
  );
  assert.equal(flights.size, 0);
});

test('at most one piece of work runs for a key at any time, and nothing is remembered', async () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b'), fails: fc.boolean(), finish: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const flights = new SingleFlight<string, number>();
      const running = new Map<string, PromiseWithResolvers<number>>();
      const outcomes: Promise<unknown>[] = [];
      let runs = 0;
      for (const { key, fails, finish } of steps) {
        const joins = running.has(key);
        const before = runs;
        const call = flights.do(key, () => {
          runs += 1;
          const work = Promise.withResolvers<number>();
          running.set(key, work);
          return work.promise;
        });
        outcomes.push(call.catch(() => {}));
        assert.equal(runs, joins ? before : before + 1);
        if (!finish) continue;
        const work = running.get(key);
        running.delete(key);
        if (fails) work?.reject(new Error('no'));
        else work?.resolve(runs);
        await call.catch(() => {});
        assert.equal(flights.has(key), false);
      }
      for (const work of running.values()) work.resolve(0);
      await Promise.all(outcomes);
      assert.equal(flights.size, 0);
    }),
  );
});
