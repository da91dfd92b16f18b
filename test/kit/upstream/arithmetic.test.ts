import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { imageOf, indexOf, MEDIA_TYPES } from '../image.ts';
import { acceptedTypes, negotiate } from './negotiate.ts';
import { pageOf, parseCount } from './paging.ts';
import { parseRange } from './range.ts';

test('a range is a slice of the content', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1200), fc.option(fc.nat(1200)), (size, first, last) => {
      const range = parseRange(`bytes=${first}-${last ?? ''}`, size);
      if (last !== null && last < first) assert.equal(range, 'whole');
      else if (first >= size) assert.equal(range, 'unsatisfiable');
      else assert.deepEqual(range, { start: first, end: Math.min(size, (last ?? size) + 1) });
    }),
  );
});

test('a suffix range is the end of the content', () => {
  assert.deepEqual(parseRange('bytes=-10', 100), { start: 90, end: 100 });
  assert.deepEqual(parseRange('bytes=-200', 100), { start: 0, end: 100 });
  assert.equal(parseRange('bytes=-0', 100), 'unsatisfiable');
});

test('any header but a single byte range means the whole', () => {
  for (const header of [
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'items=0-1',
    'bytes=0-1,3-4',
    'bytes=5-4',
  ]) {
    assert.equal(parseRange(header, 100), 'whole', header);
  }
});

test('pages put together are the list, each but the last with the requested length', () => {
  const items = fc.uniqueArray(fc.string({ minLength: 1 })).map((list) => list.sort(byCodeUnit));
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 10 }), (list, n) => {
      const seen: string[] = [];
      for (let last: string | undefined, more = true; more;) {
        const page = pageOf(list, (item) => item, n, last);
        assert.ok(page.next === undefined || page.items.length === n);
        seen.push(...page.items);
        last = page.next;
        more = last !== undefined;
      }
      assert.deepEqual(seen, list);
    }),
  );
});

test('a page can begin after a value that is not in the list, and n=0 ends the paging', () => {
  assert.deepEqual(
    pageOf(['a', 'c'], (item) => item, undefined, 'b'),
    { items: ['c'], next: undefined },
  );
  assert.deepEqual(
    pageOf(['a', 'c'], (item) => item, 0, undefined),
    { items: [], next: undefined },
  );
  assert.deepEqual(['5', '0', '-1', 'x', '', null].map(parseCount), [
    5,
    0,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('Accept is read with its parameters and its lists, and ranges of types accept nothing', () => {
  assert.deepEqual([...acceptedTypes(' A/b;q=0.5, c/D ,,')], ['a/b', 'c/d']);
  fc.assert(
    fc.property(fc.shuffledSubarray<string>(Object.values(MEDIA_TYPES)), (types) => {
      const image = imageOf();
      const answer = negotiate(image, types.map((type) => `${type};q=0.3`).join(', '), true);
      assert.equal(answer, types.includes(image.mediaType) ? image : undefined);
    }),
  );
  assert.equal(negotiate(imageOf(), '*/*', true), undefined);
});

test('only a Docker list by tag is replaced, by its linux/amd64 manifest', () => {
  const arm = imageOf({ format: 'docker', platform: { os: 'linux', architecture: 'arm64' } });
  const amd = imageOf({ format: 'docker' });
  const list = indexOf([arm, amd], { format: 'docker' });
  assert.equal(negotiate(list, undefined, true), amd);
  assert.equal(negotiate(list, undefined, false), list);
  assert.equal(negotiate(list, MEDIA_TYPES.dockerList, true), list);
  assert.equal(negotiate(indexOf([arm], { format: 'docker' }), undefined, true), undefined);
});

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
