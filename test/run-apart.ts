/**
 * Runs tests that take a process of their own each: `node test/run-apart.ts PATTERN...`. Most of them wait for another process half of the time,
 * so that twice as many as there are cores run at once.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import './compile-cache.ts';

/** Begin with the longest, so that none of them is alone at the end. */
const FIRST = [
  'damage.test.ts',
  'gate.test.ts',
  'life.test.ts',
  'one-body.test.ts',
  'model.test.ts',
  'maintenance.test.ts',
];

const files = globSync(process.argv.slice(2))
  .toSorted()
  .toSorted((one, other) => rankOf(one) - rankOf(other));
const events = run({ files, concurrency: 2 * Math.max(2, availableParallelism()) });
events.on('test:fail', () => {
  process.exitCode = 1;
});
events.compose(spec).pipe(process.stdout);

function rankOf(file: string): number {
  const rank = FIRST.findIndex((name) => file.endsWith(`/${name}`));
  return rank < 0 ? FIRST.length : rank;
}
