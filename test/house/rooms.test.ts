/** Tests that the rooms of `src/`, and the folders in them, import only downward. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';

/** Rooms from the top floor down. A room may import itself and the rooms after it. */
const ROOMS = [
  'cli',
  'gardener',
  'operator',
  'node-agent',
  'dashboard',
  'cache',
  'upstream',
  'store',
  'fleet',
  'kube',
  'api',
  'oci',
  'kit',
];

const ROOT = join(import.meta.dirname, '..', '..');
const SRC = join(ROOT, 'src');

interface Import {
  readonly file: string;
  /** Path from `src/`. `../test/...` lies outside of `src/`. */
  readonly target: string;
  /** True for an import of types only, which does not exist when the program runs. */
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

test('only tests import files outside of src, and only from test/', () => {
  expectNone(
    ({ file, target }) => target.startsWith('..') && !(isTest(file) && target.startsWith('../test/')),
  );
});

test('no file imports a test', () => {
  expectNone(({ target }) => isTest(target));
});

test('every import leads to a file', () => {
  expectNone(({ target }) => !existsSync(join(SRC, target)));
});

describe('the folders of a room import downward only, in the order of its README', () => {
  for (const room of ROOMS.filter((name) => existsSync(join(SRC, name)))) {
    test(room, () => {
      const folders = readdirSync(join(SRC, room), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
      const order = [
        ...sectionOf(room, 'Folders, from the top floor down').matchAll(/^\| `([a-z-]+)\/`/gm),
      ].map(([, name = '']) => name);
      assert.deepEqual(order.toSorted(), folders.toSorted());
      const floor = (file: string): number => order.indexOf(file.split('/')[1] ?? '');
      expectNone(
        ({ file, target }) =>
          !isTest(file) &&
          roomOf(file) === room &&
          roomOf(target) === room &&
          floor(target) !== -1 &&
          floor(target) < floor(file),
      );
    });
  }
});

test('no folder imports itself through other folders and files of its room, not even for a type', () => {
  const place = (file: string): string => file.split('/').slice(0, 2).join('/');
  const ownImports = imports.filter(({ file, target }) => !isTest(file) && roomOf(file) === roomOf(target));
  assert.deepEqual(circles(ownImports.map((one) => ({ from: place(one.file), to: place(one.target) }))), []);
});

test('no file imports itself through other files when the program runs', () => {
  const running = imports.filter((one) => !one.typeOnly);
  assert.deepEqual(circles(running.map(({ file, target }) => ({ from: file, to: target }))), []);
});

describe('the README of each room says what lives there, what it imports, and what never belongs there', () => {
  for (const room of ROOMS.filter((name) => existsSync(join(SRC, name)))) {
    test(room, () => {
      for (const heading of ['What lives here', 'May import', 'Never'])
        assert.notEqual(sectionOf(room, heading), '', `no "## ${heading}"`);
      const allowed = sectionOf(room, 'May import');
      const named = (pattern: RegExp): string[] =>
        [...allowed.matchAll(pattern)].map(([, name = '']) => name);
      const rooms = named(/`([a-z-]+)\/`/g).filter((name) => ROOMS.includes(name));
      assert.deepEqual(
        rooms,
        ROOMS.filter((name) => importsOf(room).includes(name)),
      );
      const packages = named(/`((?:@[a-z-]+\/)?[a-z0-9-]+)`/g);
      assert.deepEqual(packages.toSorted(), packagesOf(room));
    });
  }
});

function sectionOf(room: string, heading: string): string {
  const sections = readFileSync(join(SRC, room, 'README.md'), 'utf8').split(/^## /m);
  return sections.find((section) => section.startsWith(`${heading}\n`)) ?? '';
}

/** Other rooms that the programs of a room import. */
function importsOf(room: string): string[] {
  return imports
    .filter(({ file, target }) => roomOf(file) === room && !isTest(file) && roomOf(target) !== room)
    .map(({ target }) => roomOf(target));
}

function packagesOf(room: string): string[] {
  const sources = files.filter((file) => roomOf(file) === room && !isTest(file)).map(sourceOf);
  const specifiers = sources.flatMap((source) => [
    ...source.matchAll(/(?:^(?:import|export)\s+(?:[^';]*\sfrom\s+)?|\bimport\()'([^.'][^']*)'/gm),
  ]);
  const names = specifiers.map(([, name = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? '');
  return [...new Set(names)].filter((name) => !name.startsWith('node:')).toSorted();
}

function relativeImports(file: string): Import[] {
  const statements = sourceOf(file).matchAll(
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

/** Reads a file without its block comments. */
function sourceOf(file: string): string {
  return readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
}

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** Finds each circle once, as a path. */
function circles(arrows: readonly Arrow[]): string[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of arrows) {
    if (from !== to) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  }
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (place: string, path: readonly string[]): void => {
    const at = path.indexOf(place);
    if (at !== -1) found.push([...path.slice(at), place].join(' -> '));
    if (at !== -1 || done.has(place)) return;
    for (const target of targets.get(place) ?? []) visit(target, [...path, place]);
    done.add(place);
  };
  for (const place of targets.keys()) visit(place, []);
  return found;
}
