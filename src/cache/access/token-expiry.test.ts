import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenExpiry } from './token-expiry.ts';

function jwt(claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}

test('a JWT with exp ends then', () => {
  assert.equal(tokenExpiry(`Bearer ${jwt({ exp: 1_800_000_000 })}`), 1_800_000_000_000);
  assert.equal(tokenExpiry(`bearer  ${jwt({ exp: 1.5 })}`), 1500);
});

test('anything else has no expiry that could be read', () => {
  for (const header of [
    'Bearer opaque',
    'Bearer a.b',
    'Bearer a.b.c',
    `Bearer ${jwt({})}`,
    `Bearer ${jwt({ exp: 'soon' })}`,
    `Bearer ${jwt({ exp: -1 })}`,
    `Bearer ${jwt(null)}`,
    `Basic ${jwt({ exp: 1_800_000_000 })}`,
    '',
  ]) {
    assert.equal(tokenExpiry(header), undefined, header);
  }
});

test('property: it never throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.base64String(), (text, encoded) => {
      tokenExpiry(text);
      tokenExpiry(`Bearer a.${encoded}.c`);
    }),
  );
});
