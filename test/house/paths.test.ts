/** Paths of files that pages and comments name: a file that moves must not leave its old path behind. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['src', 'test', 'bench', 'deploy', 'docs'];
/** From the root of the repository, in pages, comments and scripts. */
const PATH = /(?<![\w./-])(?:src|test|bench|deploy|docs)\/[\w./-]+\.(?:ts|md)\b/g;

test('every path of a file in the pages, the comments and the tests leads to a file', () => {
  const named = [...pagesAt('.'), ...FOLDERS.flatMap(filesBelow)].flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(PATH)].map(([path]) => ({ file, path })),
  );
  assert.ok(named.length > 200, `only ${named.length} paths found`);
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(ROOT, path))),
    [],
  );
});

function pagesAt(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md'));
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|md)$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}
