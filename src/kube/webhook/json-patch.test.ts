import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jsonPatch } from '../../../test/kube/json-patch.ts';
import { jsonPatchOf } from './json-patch.ts';

describe('a patch', () => {
  const cases: readonly (readonly [string, unknown, unknown, unknown])[] = [
    ['of equal values is empty', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    [
      'names the changed field alone',
      { spec: { a: 1, b: { c: 2, d: 3 } } },
      { spec: { a: 1, b: { c: 4, d: 3 } } },
      [{ op: 'replace', path: '/spec/b/c', value: 4 }],
    ],
    [
      'escapes names',
      { 'a/b': 1, 'm~n': 1 },
      { 'a/b': 2, '~1': 1 },
      [
        { op: 'replace', path: '/a~1b', value: 2 },
        { op: 'remove', path: '/m~0n' },
        { op: 'add', path: '/~01', value: 1 },
      ],
    ],
    [
      'leaves the items around an inserted one alone',
      { files: [{ path: 'a' }, { path: 'b' }] },
      { files: [{ path: 'new' }, { path: 'a' }, { path: 'b' }, { path: 'last' }] },
      [
        { op: 'add', path: '/files/2', value: { path: 'last' } },
        { op: 'add', path: '/files/0', value: { path: 'new' } },
      ],
    ],
    [
      'changes an item in its place',
      { files: [{ path: 'a', mode: 1 }, { path: 'b' }] },
      { files: [{ path: 'a', mode: 2 }, { path: 'b' }] },
      [{ op: 'replace', path: '/files/0/mode', value: 2 }],
    ],
    [
      'removes from the end to the beginning',
      [1, 2, 3, 4],
      [2],
      [
        { op: 'remove', path: '/3' },
        { op: 'remove', path: '/2' },
        { op: 'remove', path: '/0' },
      ],
    ],
    [
      'takes an undefined field for an absent one',
      { a: 1 },
      { a: undefined },
      [{ op: 'remove', path: '/a' }],
    ],
    ['does not add an undefined field', {}, { a: undefined }, []],
    ['turns a map into a list', { a: {} }, { a: [] }, [{ op: 'replace', path: '/a', value: [] }]],
  ];
  for (const [title, before, after, patch] of cases)
    test(title, () => assert.deepEqual(jsonPatchOf(before, after), patch));

  test('of a long list of equal items takes no longer than of others', () => {
    const list = Array.from({ length: 400_000 }, () => 0);
    const patch = [{ op: 'add', path: '/400000', value: 1 }];
    assert.deepEqual(jsonPatchOf(list, [...list, 1]), patch);
  });

  test('does not look into parts that are the same object', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    assert.deepEqual(jsonPatchOf({ deep, a: 1 }, { deep, a: 2 }), [{ op: 'replace', path: '/a', value: 2 }]);
  });

  test('of a thousand large items has an operation for each change', () => {
    const item = (index: number) => ({ path: `/file/${index}`, data: 'x'.repeat(1000) });
    const before = Array.from({ length: 1000 }, (_, index) => item(index));
    const after = [item(-1), ...before.slice(0, 500), item(-2), ...before.slice(501), item(-3)];
    assert.deepEqual(
      jsonPatchOf(before, after).map(({ op, path }) => `${op} ${path}`),
      ['add /1000', 'replace /500/path', 'add /0'],
    );
  });
});

const { value: json } = fc.letrec<{ value: unknown; list: unknown[]; map: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, '', 'a'),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 6 }),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'a/b', '~1', '', '0', '-', '__proto__'), tie('value'), {
    maxKeys: 5,
  }),
}));

test('property: a patch makes the changed value of any JSON, and is empty only for equal ones', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(json, json), fc.tuple(fc.jsonValue(), fc.jsonValue())), (pair) => {
      const [before, after] = JSON.parse(JSON.stringify(pair)) as [unknown, unknown];
      const patch = JSON.parse(JSON.stringify(jsonPatchOf(before, after))) as ReturnType<typeof jsonPatchOf>;
      assert.deepEqual(jsonPatch(before, patch), after);
      assert.deepEqual(jsonPatchOf(after, jsonPatch(before, patch)), []);
    }),
    { numRuns: 2000 },
  );
});

test('property: a list of distinct items is changed by one operation for each item that goes or comes', () => {
  const items = fc.uniqueArray(fc.nat(), { maxLength: 20 });
  fc.assert(
    fc.property(items, fc.func(fc.nat(3)), (list, fate) => {
      // 0 removes an item, 1 inserts a new one before it.
      const after = list.flatMap((item) => {
        if (fate(item) === 0) return [];
        return fate(item) === 1 ? [-1 - item, item] : [item];
      });
      const removed = list.filter((item) => !after.includes(item)).length;
      const added = after.filter((item) => item < 0).length;
      const patch = jsonPatchOf(list, after);
      assert.ok(patch.length <= removed + added, JSON.stringify(patch));
      assert.ok(patch.length >= Math.max(removed, added));
    }),
  );
});
