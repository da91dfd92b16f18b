import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf, takeTurns } from './samples.ts';

test('contestants take turns, and the first round does not count', async () => {
  const order: string[] = [];
  const samples = await takeTurns(['larder', 'nginx'], 2, async (contestant, round) => {
    order.push(`${contestant} ${round}`);
    return { seconds: round };
  });
  assert.deepEqual(order, ['larder 0', 'nginx 0', 'larder 1', 'nginx 1', 'larder 2', 'nginx 2']);
  assert.deepEqual(samples, {
    larder: [{ seconds: 1 }, { seconds: 2 }],
    nginx: [{ seconds: 1 }, { seconds: 2 }],
  });
});

test('the median of an even number of values lies between the middle two', () => {
  assert.deepEqual(spreadOf([4, 1, 10, 2]), { median: 3, min: 1, max: 10 });
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 });
});
