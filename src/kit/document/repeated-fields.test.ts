import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { repeatedFields } from './repeated-fields.ts';

test('finds the fields that occur again in one object, in any depth, with their paths', () => {
  const text =
    '{"a": 1, "b": [{}, {"c": 1, "d": {"c": 2}, "c": 3}], "a": {"e": 1, "e": 2, "e": 3}, "\\u0061": 4}';
  assert.deepEqual(repeatedFields(text, []), [['b', 1, 'c'], ['a'], ['a', 'e'], ['a', 'e'], ['a']]);
});

test('strings are no fields, whatever is in them', () => {
  assert.deepEqual(
    repeatedFields(String.raw`{"a": "\"a\": {\\", "b": ["a", "a", "\\\"", {}], "": "a"}`, []),
    [],
  );
});

test('looks inside one value only, and gives paths below it', () => {
  const text =
    '{"x": 1, "a": [[{"b": 1, "b": 2}], {"b": 1, "c": {"b": 1, "b": 1}}], "x": 2, "b": {"b": 1, "b": 1}}';
  assert.deepEqual(repeatedFields(text, ['a', 1]), [['c', 'b']]);
  assert.deepEqual(repeatedFields(text, ['a']), [
    [0, 0, 'b'],
    [1, 'c', 'b'],
  ]);
  assert.deepEqual(repeatedFields(text, ['y']), []);
});

test('property: a text that JSON.stringify has written repeats no field, and one with a copy of a field does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (map) => {
      const text = JSON.stringify(map);
      assert.deepEqual(repeatedFields(text, []), []);
      const [key = ''] = Object.keys(map);
      const copied = `${text.slice(0, -1)},${JSON.stringify(key)}:0}`;
      assert.deepEqual(repeatedFields(copied, []), [[key]]);
    }),
  );
});

test('deep and long texts take linear time', () => {
  const deep = `${'[{"a":'.repeat(100_000)}0${'}]'.repeat(100_000)}`;
  assert.deepEqual(repeatedFields(deep, []), []);
  assert.deepEqual(repeatedFields(JSON.stringify('\\"'.repeat(500_000)), []), []);
});
