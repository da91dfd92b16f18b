import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tableRows } from './markdown.ts';

const ROOT = join(import.meta.dirname, '../..');
const glossary = readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8');
const laws = readFileSync(join(ROOT, 'docs/laws.md'), 'utf8');

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(tsx?|md)$/.test(name))
  .map((name) => `src/${name}`);

/** Files that may cite a law or a page. */
const citing = [
  ...sources,
  ...['test', 'bench', 'deploy'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  ),
];

test('no word is explained twice', () => {
  const [explained = ''] = glossary.split('## Retired words');
  const words = [...explained.matchAll(/^\| (?!word|---)([^|]+)/gm)].map(([, word]) => word);
  assert.ok(words.length > 50);
  assert.deepEqual(
    words.filter((word, at) => words.indexOf(word) !== at),
    [],
  );
});

test('src has no retired word, not even as a part of an identifier or a file name', () => {
  const retired = new Set(
    tableRows(glossary, 'retired').flatMap(([words = '']) => words.split(',').map((word) => word.trim())),
  );
  assert.ok(retired.size > 20);
  const found = sources.flatMap((file) =>
    `${file}\n${read(file)}`.split('\n').flatMap((line, at) =>
      wordsOf(line)
        .filter((word) => retired.has(word))
        .map((word) => `${file}:${at}: ${word}`),
    ),
  );
  assert.deepEqual(found, []);
});

test('every law that the code cites has a section', () => {
  const sections = [...laws.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  const cited = citing.flatMap((file) =>
    [...read(file).matchAll(/docs\/laws\.md, "([^"]+)"/g)].map(([, title]) => ({ file, title })),
  );
  assert.ok(cited.length > 0);
  assert.deepEqual(
    cited.filter(({ title }) => !sections.includes(title)),
    [],
  );
});

test('no comment cites a page that the repository does not have', () => {
  assert.deepEqual(
    citing
      .filter((file) => !file.endsWith('glossary.test.ts'))
      .filter((file) => /\(design, section|\bdesign, section \d|\(contract[,:)]/.test(read(file))),
    [],
  );
});

test('every file of src that the pages about the house name exists, also where a picture leaves src/ out', () => {
  const rooms = readdirSync(join(ROOT, 'src')).join('|');
  const path = new RegExp(`(?<![\\w/])(?:src/)?((?:${rooms})/[a-z0-9/.-]+\\.ts)\\b`, 'g');
  for (const [page, least] of [
    ['docs/laws.md', 3],
    ['docs/architecture.md', 30],
  ] as const) {
    const named = [...read(page).matchAll(path)].map(([, name = '']) => name);
    assert.ok(named.length > least, `${page}: ${named.length}`);
    assert.deepEqual(
      named.filter((name) => !existsSync(join(ROOT, 'src', name))),
      [],
    );
  }
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Public names with retired words: a reason of `larder gc`, and a field of Kubernetes' Lease. */
const PUBLIC_NAMES = /'leftover'|\bleftover:|holderIdentity/g;

/** Splits a line into words in lower case, identifiers included: `toldBook` gives `told` and `book`. */
function wordsOf(line: string): string[] {
  const apart = line
    .replaceAll(PUBLIC_NAMES, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return apart.toLowerCase().match(/[a-z]+/g) ?? [];
}
