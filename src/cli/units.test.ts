import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { counted, formatLength, formatSize } from './units.ts';

test('bytes are shown with three digits at most before the unit, in powers of 1000', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [12_345, '12.3 kB'],
    [123_456, '123 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [41_234_567_890, '41.2 GB'],
    [2 ** 53, '9.0 PB'],
  ] as const) {
    assert.equal(formatSize(bytes), text);
  }
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      assert.match(formatSize(bytes), /^(?:\d{1,3}|\d\d?\.\d) (?:B|[kMGTP]B)$/);
    }),
  );
});

test('lengths of time are shown by their two largest units', () => {
  for (const [ms, text] of [
    [0, '0 s'],
    [-5, '0 s'],
    [59_400, '59 s'],
    [100_000, '1 min 40 s'],
    [3_660_000, '1 h 1 min'],
    [604_800_000, '7 d 0 h'],
  ] as const) {
    assert.equal(formatLength(ms), text);
  }
});

test('one is one and all else are many', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, 'object')),
    ['0 objects', '1 object', '2 objects'],
  );
});
