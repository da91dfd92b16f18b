import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { labelFor } from './names.ts';

const LABEL = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

test('a name is readable', () => {
  assert.match(labelFor('cache', 'Docker.io:5000'), /^cache-docker-io-5000-[0-9a-f]{16}$/);
  assert.match(labelFor('', '42', '-'), /^x-[0-9a-f]{16}$/);
  assert.equal(labelFor('x'.repeat(200)).length, 63);
});

test('every name is a DNS label, and different parts have different names', () => {
  const parts = fc.tuple(fc.string(), fc.array(fc.string(), { maxLength: 3 }));
  fc.assert(
    fc.property(parts, parts, ([first, more], [other, others]) => {
      const name = labelFor(first, ...more);
      assert.match(name, LABEL);
      assert.equal(labelFor(first, ...more), name);
      const same = JSON.stringify([first, ...more]) === JSON.stringify([other, ...others]);
      assert.equal(labelFor(other, ...others) === name, same);
    }),
  );
  assert.notEqual(labelFor('a', 'b-c'), labelFor('a-b', 'c'));
  assert.notEqual(labelFor('a.b'), labelFor('a-b'));
});
