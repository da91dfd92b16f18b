import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze, hasMoreValues, parseJson } from './json.ts';

test('parseJson gives the value of JSON, and undefined for any other text', () => {
  assert.deepEqual(parseJson('{"a":[1,null]}'), { a: [1, null] });
  assert.equal(parseJson('null'), null);
  for (const text of ['', '{', "{'a':1}", 'undefined']) assert.equal(parseJson(text), undefined, text);
});

test('deepFreeze returns the same value, frozen with all its parts', () => {
  const value = { list: [{ a: 1 }], none: null };
  assert.equal(deepFreeze(value), value);
  for (const part of [value, value.list, value.list[0]]) assert.ok(Object.isFrozen(part));
});

test('hasMoreValues counts the values of lists and maps in any depth', () => {
  const counts = (value: unknown, count: number): void =>
    assert.deepEqual([hasMoreValues(value, count), hasMoreValues(value, count - 1)], [false, true]);
  counts(null, 1);
  counts([], 1);
  counts({ a: [1, null, 'x'], b: {} }, 6);
  counts(JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), 50_000);
});
