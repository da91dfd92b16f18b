import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareVersions } from './versions.ts';

test('property: versions compare as the integers that they are, beyond what a number holds', () => {
  const version = fc.bigInt({ min: 0n, max: 2n ** 64n });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const expected = a < b ? -1 : Number(a > b);
      assert.equal(Math.sign(compareVersions(String(a), String(b)) ?? NaN), expected);
    }),
  );
});

test('what is no integer cannot be compared', () => {
  for (const other of ['', 'a', '01', '1.5', '-1', ' 1']) {
    assert.equal(compareVersions(other, '1'), undefined);
    assert.equal(compareVersions('1', other), undefined);
  }
});
