/**
 * Compares the cache with a model of a few lines, over random histories: pushes, rights granted and withdrawn, passwords and
 * tokens that end, an upstream that is down, a cache that is restarted and short of space.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { beginHistory } from './history.ts';
import { startRestartable } from './restartable.ts';
import { histories } from './steps.ts';

/** Number of histories for each kind of upstream. A history takes 1 to 2 s, most of it waiting. */
const HISTORIES = Number(process.env['LARDER_MODEL_RUNS'] ?? 8);
/** Time limit of the search for a shorter failing history. */
const SEARCH_MS = 60_000 + 3_000 * HISTORIES;

const LIFETIMES = { proofMs: 400, outageMs: 3000 };
/** A blob of `large` bytes leaves little room for other content. */
const SPACE = { maxSize: '100Ki', large: 90_000 };
const CACHE = {
  authentication: { proofLifetime: `${LIFETIMES.proofMs}ms` },
  freshness: { tagTTL: '1s', staleIfError: `${LIFETIMES.outageMs}ms` },
  garbageCollection: { maxSize: SPACE.maxSize },
};

suite('whatever happens', { concurrency: 2 }, () => {
  for (const auth of ['bearer', 'basic'] as const) {
    test(`content goes to exactly the callers to whom a ${auth} upstream would give it`, async (context) => {
      await using setting = await startRestartable(auth, CACHE);
      const end = performance.now() + SEARCH_MS;
      const done = { histories: 0, asked: 0, given: 0 };
      await fc.assert(
        fc.asyncProperty(histories, async (steps) => {
          if (performance.now() > end) return;
          done.histories += 1;
          const options = { number: done.histories, lifetimes: LIFETIMES, large: SPACE.large };
          const history = beginHistory(setting, options);
          try {
            for (const step of steps) {
              const isGiven = await history.take(step);
              if (isGiven !== undefined) done.asked += 1;
              if (isGiven) done.given += 1;
            }
            await history.end();
          } catch (error) {
            // The failure must not affect the next histories, which search for the shortest failing one.
            await setting.renew();
            throw error;
          }
        }),
        { numRuns: HISTORIES },
      );
      context.diagnostic(`${done.histories} histories, ${done.asked} questions, ${done.given} given`);
      assert.ok(
        done.given > done.asked / 10 && done.given < done.asked * 0.9,
        'something to give and to refuse',
      );
    });
  }
});
