/** The rooms of `src/` and the one direction in which they may import: down. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';

/** From the top floor down. A room may import itself and the rooms after it. */
const ROOMS = [
  'cli',
  'gardener',
  'operator',
  'node-agent',
  'dashboard',
  'cache',
  'upstream',
  'store',
  'kube',
  'api',
  'oci',
  'kit',
];

const ROOT = join(import.meta.dirname, '..', '..');
const SRC = join(ROOT, 'src');

interface Import {
  readonly file: string;
  /** As a path from `src/`; `../test/...` lies outside of it. */
  readonly target: string;
  /** Types are gone when the program runs. */
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
const imports = files.flatMap(relativeImports);

const isTest = (file: string): boolean => /\.i?test\.tsx?$/.test(file);
const roomOf = (file: string): string => file.split('/')[0] ?? '';

test('every folder of src is a room with a place in the order, and every file is in a room', () => {
  assert.deepEqual(
    readdirSync(SRC).filter((name) => !ROOMS.includes(name)),
    [],
  );
  assert.ok(files.length > 50, `only ${files.length} files found`);
});

test('no import points upward, not even of a type', () => {
  expectNone(
    ({ file, target }) =>
      !target.startsWith('..') && ROOMS.indexOf(roomOf(target)) < ROOMS.indexOf(roomOf(file)),
  );
});

test('what lies outside of src is imported by tests alone, and only from test/', () => {
  expectNone(
    ({ file, target }) => target.startsWith('..') && !(isTest(file) && target.startsWith('../test/')),
  );
});

test('nobody imports a test', () => {
  expectNone(({ target }) => isTest(target));
});

test('every import leads to a file', () => {
  expectNone(({ target }) => !existsSync(join(SRC, target)));
});

test('no file needs itself by way of others when the program runs', () => {
  assert.deepEqual(circles(), []);
});

describe('the README of each room says what lives there, what it may import, and what never belongs there', () => {
  for (const room of ROOMS.filter((name) => existsSync(join(SRC, name)))) {
    test(room, () => {
      const readme = readFileSync(join(SRC, room, 'README.md'), 'utf8');
      const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      for (const heading of ['What lives here', 'May import', 'Never'])
        assert.ok(headings.includes(heading), `no "## ${heading}"`);
      const below = ROOMS.slice(ROOMS.indexOf(room) + 1);
      const allowed = readme.split(/^## /m).find((section) => section.startsWith('May import')) ?? '';
      const named = [...allowed.matchAll(/`([a-z-]+)\/`/g)].map(([, name = '']) => name);
      assert.deepEqual(
        named.filter((name) => !below.includes(name)),
        [],
        'rooms that may not be imported',
      );
    });
  }
});

function relativeImports(file: string): Import[] {
  const source = readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
  const statements = source.matchAll(
    /(?:^(?:import|export)\s+(type\s)?(?:[^';]*\sfrom\s+)?|\bimport\()'(\.[^']+)'/gm,
  );
  return [...statements].map(([, type, specifier = '']) => ({
    file,
    target: relative(SRC, join(SRC, dirname(file), specifier)),
    typeOnly: type !== undefined,
  }));
}

function expectNone(isWrong: (one: Import) => boolean): void {
  assert.deepEqual(
    imports.filter(isWrong).map(({ file, target }) => `${file} -> ${target}`),
    [],
  );
}

/** Each circle once, as the path that was walked. */
function circles(): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at !== -1) found.push([...path.slice(at), file].join(' -> '));
    if (at !== -1 || done.has(file)) return;
    for (const one of imports) {
      if (one.file === file && !one.typeOnly) visit(one.target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}
