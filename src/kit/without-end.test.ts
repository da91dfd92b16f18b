import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { withoutEnd } from './without-end.ts';

test('property: what is left does not end with the characters, and lacks nothing else', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', ' ', '\0', '😀') });
  fc.assert(
    fc.property(text, (whole) => {
      assert.equal(withoutEnd(whole, '/ '), whole.replace(/[/ ]+$/, ''));
      assert.equal(withoutEnd(whole, ''), whole);
    }),
  );
});

test('a long row of the characters inside the text takes linear time', () => {
  const text = `${'/'.repeat(2_000_000)}x`;
  assert.equal(withoutEnd(text, '/'), text);
});
