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

/** What the code depends on in a page, and the pages themselves. */
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

test('every page of docs that the code cites exists', () => {
  const cited = citing.flatMap((file) => [...read(file).matchAll(PAGE)].map(([page]) => ({ file, page })));
  assert.ok(cited.length > 10);
  assert.deepEqual(
    cited.filter(({ page }) => !existsSync(join(ROOT, page))),
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

test('every file that the pages about the house name exists', () => {
  for (const page of ['laws.md', 'architecture.md']) {
    const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
    const named = [...text.matchAll(/\b(?:src|test|deploy)\/[a-z0-9/.-]+\.ts\b/g)].map(([name]) => name);
    assert.ok(named.length > 10, page);
    assert.deepEqual(
      named.filter((name) => !existsSync(join(ROOT, name))),
      [],
    );
  }
});

/** A page of ours; other projects' pages follow a slash. */
const PAGE = /(?<![\w/])docs\/(?:(?:guide|reference|decisions)\/)?[a-z0-9-]+\.md/g;

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** A reason that `larder gc` gives to programs, and a field of the Lease of Kubernetes. */
const PUBLIC_NAMES = /'leftover'|\bleftover:|holderIdentity/g;

/** The words of a line in lower case, identifiers taken apart: `toldBook` is `told` and `book`. */
function wordsOf(line: string): string[] {
  const apart = line
    .replaceAll(PUBLIC_NAMES, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return apart.toLowerCase().match(/[a-z]+/g) ?? [];
}
