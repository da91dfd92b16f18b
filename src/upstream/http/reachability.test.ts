import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReachability } from './reachability.ts';

test('of the attempts that have ended, the one that began last decides, in whatever order they end', () => {
  const attempts = fc.array(fc.record({ endsAt: fc.nat(20), outcome: fc.option(fc.boolean()) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(attempts, (given) => {
      let shown: boolean | undefined;
      const reachability = createReachability((isReached) => (shown = isReached));
      const begun = given.map((attempt) => ({ ...attempt, end: reachability.begin() }));
      const ended = new Set<(typeof begun)[number]>();
      for (const attempt of [...begun].sort((a, b) => a.endsAt - b.endsAt)) {
        if (attempt.outcome === null) continue;
        attempt.end(attempt.outcome);
        ended.add(attempt);
        assert.equal(shown, begun.findLast((one) => ended.has(one))?.outcome);
      }
    }),
  );
});
