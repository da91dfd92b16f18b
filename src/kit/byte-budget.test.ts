import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createByteBudget } from './byte-budget.ts';

const { signal } = new AbortController();
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a task waits until there is room, and for those before it', async () => {
  const budget = createByteBudget(10);
  const order: string[] = [];
  const first = await budget.reserve(8, signal);
  const large = budget.reserve(5, signal).then((reserved) => (order.push('large'), reserved));
  const small = budget.reserve(1, signal).then((reserved) => (order.push('small'), reserved));
  await settled();
  assert.deepEqual([order, budget.free], [[], 2]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  (await large)[Symbol.dispose]();
  (await small)[Symbol.dispose]();
  assert.deepEqual([order, budget.free], [['large', 'small'], 10]);
});

test('a task that gives up no longer holds up the next', async () => {
  const budget = createByteBudget(10);
  await budget.reserve(8, signal);
  const controller = new AbortController();
  const large = assert.rejects(budget.reserve(5, controller.signal), /enough/);
  const small = budget.reserve(2, signal);
  controller.abort(new Error('enough'));
  await large;
  await small;
  assert.equal(budget.free, 0);
  await assert.rejects(budget.reserve(1, controller.signal), /enough/);
});

test('more than the whole budget is refused', async () => {
  await assert.rejects(createByteBudget(10).reserve(11, signal), RangeError);
});

test('property: never more than the limit is reserved, and in the end all is free', async () => {
  const task = fc.record({ bytes: fc.nat(10), givesUp: fc.boolean(), steps: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(task), async (tasks) => {
      const budget = createByteBudget(10);
      const done = tasks.map(async ({ bytes, givesUp, steps }) => {
        const controller = new AbortController();
        const reserving = budget.reserve(bytes, controller.signal).catch(() => undefined);
        if (givesUp) controller.abort(new Error('enough'));
        using _reserved = await reserving;
        for (let step = 0; step < steps; step += 1) {
          assert.ok(budget.free >= 0);
          await settled();
        }
      });
      await Promise.all(done);
      assert.equal(budget.free, 10);
    }),
  );
});
