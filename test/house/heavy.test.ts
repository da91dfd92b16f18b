/** `npm run test:heavy` runs every suite that has large sizes or long histories. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** How a suite chooses between its usual and its large sizes. */
const CHOICE = /\bHEAVY\b|LARDER_MODEL_RUNS|\/runs\.ts'/;

test('each suite that LARDER_HEAVY or LARDER_MODEL_RUNS makes longer is in npm run test:heavy', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const patterns = [...(scripts['test:heavy'] ?? '').matchAll(/\S+\.test\.ts/g)].map(([path]) =>
    path.replaceAll("'", ''),
  );
  const heavy = new Set(globSync(patterns, { cwd: ROOT }));
  const longer = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: ROOT }).filter(
    (path) => !path.startsWith('test/house/') && CHOICE.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  assert.ok(longer.length > 8, 'they are found');
  assert.deepEqual(
    longer.filter((path) => !heavy.has(path)),
    [],
  );
});
