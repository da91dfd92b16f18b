/** The scripts of `package.json` run every test: each once by `npm test`, and those with a longer form by `npm run test:heavy`. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** The mark of a suite that has a usual and a large size. */
const CHOICE = /\bHEAVY\b|LARDER_MODEL_RUNS|\/runs\.ts'/;

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('npm test runs each test file once, also those of a new folder', () => {
  const run = [...filesOf('test:unit'), ...filesOf('test:suites')].toSorted();
  const all = ['src', 'test', 'bench', 'deploy'].map((folder) => `${folder}/**/*.test.ts`);
  assert.deepEqual(run, globSync(all, { cwd: ROOT }).toSorted());
});

test('each suite that LARDER_HEAVY or LARDER_MODEL_RUNS makes longer is in npm run test:heavy', () => {
  const heavy = new Set([...filesOf('test:heavy:alone'), ...filesOf('test:heavy:together')]);
  const longer = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: ROOT }).filter(
    (path) => !path.startsWith('test/house/') && CHOICE.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  assert.ok(longer.length > 8, 'they are found');
  assert.deepEqual(
    longer.filter((path) => !heavy.has(path)),
    [],
  );
});

/** The files that a script names; one that two patterns match appears twice. */
function filesOf(script: string): string[] {
  const patterns = [...(scripts[script] ?? '').matchAll(/\S+\.test\.ts/g)].map(([pattern]) =>
    pattern.replaceAll("'", ''),
  );
  return patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
}
