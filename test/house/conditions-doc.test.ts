import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONDITION_TYPES, REASONS } from '../../src/api/status/reasons.ts';
import { readPage, tableRows } from './markdown.ts';

const rows = tableRows(readPage('conditions.md'), 'Reason');

test('the page has one row for each reason, with its condition and status, in the same order', () => {
  assert.deepEqual(
    rows.map((row) => row.slice(0, 3)),
    Object.entries(REASONS).map(([reason, { type, status }]) => [reason, type, status]),
  );
});

test('every row explains the reason and the action in sentences', () => {
  for (const [reason, , , meaning = '', action = '', ...more] of rows) {
    assert.match(meaning, /^.{10,}\.$/, `meaning of ${reason}`);
    assert.match(action, /^.{4,}\.$/, `action for ${reason}`);
    assert.deepEqual(more, []);
  }
});

test('the page introduces every condition, and each has reasons for True and for False', () => {
  const introduced = [...readPage('conditions.md').matchAll(/^- `(\w+)`: /gm)].map(([, type]) => type);
  assert.deepEqual(introduced, CONDITION_TYPES);
  for (const type of CONDITION_TYPES) {
    const of = Object.values(REASONS).filter((reason) => reason.type === type);
    for (const status of ['True', 'False'])
      assert.ok(
        of.some((reason) => reason.status === status),
        type,
      );
  }
});
