import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { FieldPath } from './field-problem.ts';
import { repeatedFields } from './repeated-fields.ts';

const repeatedIn = (text: string, at: FieldPath = []): FieldPath[] => repeatedFields(text, at, 100);

test('finds the fields that occur again in one object, in any depth, with their paths, each once', () => {
  const text =
    '{"a": 1, "b": [{}, {"c": 1, "d": {"c": 2}, "c": 3}], "a": {"e": 1, "e": 2, "e": 3}, "\\u0061": 4}';
  assert.deepEqual(repeatedIn(text), [['b', 1, 'c'], ['a'], ['a', 'e']]);
});

test('strings are no fields, whatever is in them', () => {
  assert.deepEqual(repeatedIn(String.raw`{"a": "\"a\": {\\", "b": ["a", "a", "\\\"", {}], "": "a"}`), []);
});

test('looks inside one value only, and gives paths below it', () => {
  const text =
    '{"x": 1, "a": [[{"b": 1, "b": 2}], {"b": 1, "c": {"b": 1, "b": 1}}], "x": 2, "b": {"b": 1, "b": 1}}';
  assert.deepEqual(repeatedIn(text, ['a', 1]), [['c', 'b']]);
  assert.deepEqual(repeatedIn(text, ['a']), [
    [0, 0, 'b'],
    [1, 'c', 'b'],
  ]);
  assert.deepEqual(repeatedIn(text, ['y']), []);
});

test('property: a text that JSON.stringify has written repeats no field, and one with a copy of a field does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (map) => {
      const text = JSON.stringify(map);
      assert.deepEqual(repeatedIn(text), []);
      const [key = ''] = Object.keys(map);
      const copied = `${text.slice(0, -1)},${JSON.stringify(key)}:0}`;
      assert.deepEqual(repeatedIn(copied), [[key]]);
    }),
  );
});

test('deep and long texts take linear time', () => {
  const deep = `${'[{"a":'.repeat(100_000)}0${'}]'.repeat(100_000)}`;
  assert.deepEqual(repeatedIn(deep), []);
  assert.deepEqual(repeatedIn(JSON.stringify('\\"'.repeat(500_000))), []);
});

test('ends after as many fields as are wanted', () => {
  const text = `{${['a', 'b', 'c'].map((name) => `"${name}": 0, "${name}": 0`).join(', ')}}`;
  assert.deepEqual(repeatedFields(text, [], 2), [['a'], ['b']]);
});

test('a field that is repeated often, or many that are, deep in a text are no more work than the text is long', () => {
  const inside = (fields: string): string => `${'['.repeat(3000)}{${fields}}${']'.repeat(3000)}`;
  const often = inside(Array.from({ length: 100_000 }, () => '"a":0').join());
  const many = inside(Array.from({ length: 50_000 }, (_, index) => `"${index}":0,"${index}":0`).join());
  assert.deepEqual([repeatedIn(often).length, repeatedIn(many).length], [1, 100]);
});
