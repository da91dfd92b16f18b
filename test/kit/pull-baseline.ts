import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { machineOf, measure } from './machine.ts';

/** Additional milliseconds that a pull may take while Larder fails, compared with one without Larder (docs/laws.md, "Do no harm"). */
const EXTRA_MS = 1000;

export interface PullBaseline {
  /** Asserts that a pull of `ms` took at most a second longer than one without Larder. On a slow machine it may take as much longer. */
  assertSoon(context: TestContext, ms: number): Promise<void>;
}

/** Takes the median of three pulls without Larder. `pull` resolves with its milliseconds. */
export async function pullBaseline(pull: () => Promise<number>): Promise<PullBaseline> {
  const pulls = [await pull(), await pull(), await pull()];
  const baselineMs = pulls.toSorted((a, b) => a - b)[1]!;
  return {
    async assertSoon(context, ms) {
      const found = `${Math.round(ms)} ms, without Larder ${Math.round(baselineMs)} ms`;
      context.diagnostic(found);
      if (ms < baselineMs + EXTRA_MS) return;
      const { limit, slowness } = machineOf(await measure());
      const text = `${found}, machine ${slowness.toFixed(1)} times as slow as a quiet one`;
      assert.ok(ms < baselineMs + limit(EXTRA_MS), text);
    },
  };
}
