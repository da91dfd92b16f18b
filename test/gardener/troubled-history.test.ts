/** Whatever goes wrong on the way, the end is that of a way on which nothing goes wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyHistory, anyTroubles, playHistory, type HistoryStep } from './troubled-history.ts';
import { TROUBLES } from './troubled-replicas.ts';

/** Every call in the heavy lane, else every eighth. */
const STEP = process.env['LARDER_HEAVY'] === '1' ? 1 : 8;

const RUNS = Number(process.env['LARDER_MODEL_RUNS'] ?? 20);

/** The life of an Extension with each operation. */
const LIFE: readonly HistoryStep[] = [
  { do: 'apply', items: ['a'] },
  { do: 'apply', items: ['b'] },
  { do: 'migrate' },
  { do: 'restore' },
  { do: 'delete' },
];

describe('trouble at any single call of a life', () => {
  for (const trouble of TROUBLES) {
    test(`changes nothing in the end: ${trouble}`, async () => {
      let done = 0;
      for (const length of [3, 4, 5]) {
        const history = { steps: LIFE.slice(0, length), isHasty: false };
        const { objects, calls } = await playHistory(history);
        for (; done < calls; done += STEP) {
          const end = await playHistory(history, new Map([[done + 1, trouble]]));
          assert.deepEqual(end.objects, objects, `${trouble} at call ${done + 1}`);
        }
      }
    });
  }
});

test('any troubles in any history change nothing in the end', async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory, anyTroubles, async (history, troubles) => {
      const { objects } = await playHistory(history);
      assert.deepEqual((await playHistory(history, troubles)).objects, objects);
    }),
    { numRuns: RUNS },
  );
});
