import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { widget } from '../../test/kube/widgets.ts';
import { compareVersions, isNotAfter } from './resource-version.ts';

test('property: versions compare as integers, beyond what a number holds', () => {
  const version = fc.bigInt({ min: 0n, max: 2n ** 64n });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const expected = a < b ? -1 : Number(a > b);
      assert.equal(Math.sign(compareVersions(String(a), String(b)) ?? NaN), expected);
    }),
  );
});

test('versions that are not integers cannot be compared', () => {
  for (const other of ['', 'a', '01', '1.5', '-1', ' 1']) {
    assert.equal(compareVersions(other, '1'), undefined);
    assert.equal(compareVersions('1', other), undefined);
  }
});

const at = (resourceVersion: string) => ({ ...widget('a'), metadata: { name: 'a', resourceVersion } });

test('an object is not after a later or equal version, and others only match if equal', () => {
  assert.equal(isNotAfter(at('9'), '10'), true);
  assert.equal(isNotAfter(at('10'), '10'), true);
  assert.equal(isNotAfter(at('11'), '10'), false);
  assert.equal(isNotAfter(at('9007199254740993'), '9007199254740992'), false);
  assert.equal(isNotAfter(at('opaque'), 'opaque'), true);
  assert.equal(isNotAfter(at('a'), 'b'), false);
});

test('without a version an object may be later', () => {
  assert.equal(isNotAfter(at('1'), undefined), false);
  assert.equal(isNotAfter(widget('a'), '1'), false);
});
