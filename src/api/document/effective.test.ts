import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDocument, toEffective } from './effective.ts';
import {
  boolean,
  bytes,
  duration,
  entryMap,
  listOf,
  maybe,
  quantity,
  strictMap,
  text,
} from './schema-fields.ts';

const schema = strictMap({
  rules: listOf(entryMap({ name: text(), keep: maybe(boolean().optional()), age: duration('1h') })),
  limits: maybe(
    strictMap({ most: maybe(bytes().optional()), disk: maybe(quantity().optional()) }).prefault({}),
  ),
});

function effective(document: object) {
  return toEffective(schema, schema.parse(document));
}

test('durations become milliseconds, byte quantities numbers, and other quantities texts, at any depth', () => {
  const value = effective({
    rules: [{ name: 'a', keep: true, age: '90s' }],
    limits: { most: '1Ki', disk: '10240Mi' },
  });
  assert.deepEqual(value, {
    rules: [{ name: 'a', keep: true, ageMs: 90_000 }],
    limits: { mostBytes: 1024, disk: '10Gi' },
  });
  assert.deepEqual(toDocument(schema, value), {
    rules: [{ name: 'a', keep: true, age: '1m30s' }],
    limits: { most: '1Ki', disk: '10Gi' },
  });
});

test('a field that is not set is there as undefined, and is left undefined in the document', () => {
  const value = effective({ rules: [null] });
  assert.deepEqual(value, {
    rules: [{ name: '', keep: undefined, ageMs: 3_600_000 }],
    limits: { mostBytes: undefined, disk: undefined },
  });
  assert.deepEqual(effective(toDocument(schema, value)), value);
});
