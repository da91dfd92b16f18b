import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inParallel } from './in-parallel.ts';

test('each item is worked on once, never more at the same time than allowed, and none after a failure', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 5 }),
      fc.option(fc.nat(20), { nil: undefined }),
      fc.scheduler(),
      async (count, atOnce, failing, scheduler) => {
        const done: number[] = [];
        let running = 0;
        let hasFailed = false;
        const work = async (item: number): Promise<void> => {
          assert.ok(!hasFailed && (running += 1) <= atOnce);
          await scheduler.schedule(Promise.resolve());
          running -= 1;
          if (item === failing) {
            hasFailed = true;
            throw new Error('this one');
          }
          done.push(item);
        };
        const items = Array.from({ length: count }, (_, index) => index);
        const ended = inParallel(items.values(), atOnce, work, new AbortController().signal);
        const outcome = scheduler.waitFor(Promise.allSettled([ended]));
        const [{ status }] = await outcome;
        assert.equal(running, 0);
        const fails = failing !== undefined && failing < count;
        assert.equal(status, fails ? 'rejected' : 'fulfilled');
        if (!fails)
          assert.deepEqual(
            done.toSorted((a, b) => a - b),
            items,
          );
      },
    ),
  );
});

test('an abort keeps further items from being begun, and its reason is thrown when no work runs', async () => {
  const ended = new AbortController();
  const begun: number[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    ended.abort(new Error('enough'));
    await Promise.resolve();
  };
  await assert.rejects(inParallel([1, 2, 3], 1, work, ended.signal), /^Error: enough$/);
  assert.deepEqual(begun, [1]);
});
