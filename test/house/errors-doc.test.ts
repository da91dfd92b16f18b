import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_TABLE } from '../../src/kit/errors.ts';
import { readPage, tableRows } from './markdown.ts';

const rows = tableRows(readPage('errors.md'), 'Code');

test('the page has one row for each error of the table, with status, OCI code and whether to retry, in the same order', () => {
  assert.deepEqual(
    rows.map((row) => row.slice(0, 4)),
    Object.entries(ERROR_TABLE).map(([code, { status, oci, retryable }]) => [
      code,
      String(status),
      oci,
      retryable ? 'yes' : 'no',
    ]),
  );
});

test('every row explains the error and the action in sentences', () => {
  for (const [code, , , , meaning = '', action = '', ...more] of rows) {
    assert.match(meaning, /^.{10,}\.$/, `meaning of ${code}`);
    assert.match(action, /^.{7,}\.$/, `action for ${code}`);
    assert.deepEqual(more, []);
  }
});

test('every error of the table is used by the program', () => {
  const src = join(import.meta.dirname, '../../src');
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'kit/errors.ts')
    .map((name) => readFileSync(join(src, name), 'utf8'))
    .join('\n');
  assert.deepEqual(
    Object.keys(ERROR_TABLE).filter((code) => !sources.includes(`'${code}'`)),
    [],
  );
});
