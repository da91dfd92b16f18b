import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { contentRange, parseContentRange, parseRange } from './range.ts';

describe('a Range header of one range', () => {
  for (const [header, start, end] of [
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 100],
    ['bytes=10-19', 10, 20],
    ['bytes=99-', 99, 100],
    ['bytes=50-1000', 50, 100],
    ['bytes=-10', 90, 100],
    ['bytes=-1000', 0, 100],
    ['bytes=0-9223372036854775807', 0, 100],
    ['BYTES=5-6', 5, 7],
    ['bytes= 5-6 ', 5, 7],
  ] as const) {
    test(`${header} of 100 bytes is ${start} up to ${end}`, () => {
      assert.deepEqual(parseRange(header, 100), { kind: 'range', range: { start, end } });
    });
  }

  for (const header of ['bytes=100-', 'bytes=100-100', 'bytes=-0', 'bytes=9223372036854775807-']) {
    test(`${header} of 100 bytes cannot be satisfied`, () => {
      assert.deepEqual(parseRange(header, 100), { kind: 'unsatisfiable' });
    });
  }

  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5',
    'bytes=6-5',
    'bytes=a-b',
    'bytes=1 0-20',
    'bytes=-1-2',
    'bytes=0x1-2',
    'bytes=0-1,5-6',
    'items=0-1',
    'bytes 0-1',
    'bytes=1.5-2',
    'bytes=+1-2',
  ]) {
    test(`${header} asks for the whole body`, () => {
      assert.deepEqual(parseRange(header, 100), { kind: 'full' });
    });
  }

  test('of an empty body cannot be satisfied', () => {
    assert.deepEqual(parseRange('bytes=0-', 0), { kind: 'unsatisfiable' });
    assert.deepEqual(parseRange('bytes=-5', 0), { kind: 'unsatisfiable' });
  });
});

test('any header gives what a byte-by-byte reading of RFC 9110 gives, or the whole body where that is allowed', () => {
  const position = fc.oneof(
    fc.nat(30).map(String),
    fc.constantFrom('', '00', '007', '99999999999999999999', 'x', ' 1'),
  );
  const spec = fc.tuple(position, fc.constantFrom('-', '--', ''), position).map((parts) => parts.join(''));
  const header = fc
    .tuple(
      fc.constantFrom('bytes=', 'Bytes=', 'bytes =', 'chars=', ''),
      fc.array(spec, { minLength: 1, maxLength: 3 }),
    )
    .map(([unit, specs]) => unit + specs.join(','));
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: header }, fc.string()), fc.nat(25), (text, size) => {
      const found = parseRange(text, size);
      const allowed = naiveReading(text, size);
      if (found.kind === 'full') return;
      if (found.kind === 'unsatisfiable') {
        assert.deepEqual(allowed, []);
        return;
      }
      const { start, end } = found.range;
      assert.deepEqual(
        Array.from({ length: end - start }, (_, index) => start + index),
        allowed,
      );
    }),
    { numRuns: 1000 },
  );
});

test('every well-formed single range is honoured, never answered with the whole body', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.boolean(), fc.nat(1000), (first, length, open, size) => {
      const asked = parseRange(`bytes=${first}-${open ? '' : first + length}`, size);
      assert.equal(asked.kind, first < size ? 'range' : 'unsatisfiable');
    }),
  );
});

describe('Content-Range', () => {
  test('names the last byte, not the one after it', () => {
    assert.equal(contentRange({ start: 0, end: 1 }, 10), 'bytes 0-0/10');
    assert.deepEqual(parseContentRange('bytes 2-4/10'), { start: 2, end: 5, size: 10 });
    assert.deepEqual(parseContentRange('bytes 2-4/*'), { start: 2, end: 5, size: undefined });
  });

  test('that cannot be right is not read', () => {
    for (const header of [
      undefined,
      '',
      'bytes */10',
      'bytes 5-4/10',
      '2-4/10',
      'bytes 2-4',
      'bytes 2-4/10, bytes 6-7/10',
      'items 2-4/10',
    ]) {
      assert.equal(parseContentRange(header), undefined, String(header));
    }
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1e9 }), fc.nat(), (start, length, more) => {
        const range = { start, end: start + length };
        const size = range.end + more;
        assert.deepEqual(parseContentRange(contentRange(range, size)), { ...range, size });
      }),
    );
  });
});

/**
 * The bytes that RFC 9110, section 14.1.2 selects, one by one: empty when the range cannot be satisfied, undefined when the header
 * must be ignored. Positions beyond any file are compared as big integers.
 */
function naiveReading(header: string, size: number): number[] | undefined {
  const equals = header.indexOf('=');
  if (equals === -1 || header.slice(0, equals).toLowerCase() !== 'bytes') return undefined;
  const specs = header
    .slice(equals + 1)
    .split(',')
    .map((spec) => spec.trim());
  const [spec = ''] = specs;
  const parts = spec.split('-');
  if (specs.length !== 1 || parts.length !== 2) return undefined;
  const [first = '', last = ''] = parts;
  if (![first, last].every((part) => /^[0-9]*$/.test(part)) || first + last === '') return undefined;
  if (first !== '' && last !== '' && BigInt(last) < BigInt(first)) return undefined;
  const all = Array.from({ length: size }, (_, index) => index);
  if (first === '') return all.filter((index) => BigInt(size - index) <= BigInt(last));
  return all.filter(
    (index) => BigInt(index) >= BigInt(first) && (last === '' || BigInt(index) <= BigInt(last)),
  );
}
