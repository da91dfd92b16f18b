import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAdminGuard, isLoopback } from './guard.ts';

const LOCAL = '127.0.0.1';
const OUTSIDE = '::';
const TOKEN = 'f00d';

/** `done`, or the code of the refusal. */
function outcome(headers: IncomingHttpHeaders, listensOn: string, token: string | undefined): string {
  try {
    createAdminGuard(() => token)({ headers: { host: 'localhost:5001', ...headers }, listensOn });
    return 'done';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

for (const [what, headers, listensOn, token, expected] of [
  ['a program of this machine', {}, LOCAL, undefined, 'done'],
  ['a program of this machine, by IPv6', { host: '[::1]:5001' }, '::1', undefined, 'done'],
  ['a program of this machine, although there is a token', {}, LOCAL, TOKEN, 'done'],
  [
    'a page that this listener served',
    { origin: 'http://localhost:5001', 'sec-fetch-site': 'same-origin' },
    LOCAL,
    undefined,
    'done',
  ],
  ['a page of another site', { origin: 'https://evil.example' }, LOCAL, undefined, 'ADMIN_FORBIDDEN'],
  [
    'a page of another port of this machine',
    { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
    LOCAL,
    undefined,
    'ADMIN_FORBIDDEN',
  ],
  ['a page without an origin, such as a file', { origin: 'null' }, LOCAL, undefined, 'ADMIN_FORBIDDEN'],
  ['a page that hides its origin', { 'sec-fetch-site': 'cross-site' }, LOCAL, undefined, 'ADMIN_FORBIDDEN'],
  [
    'a page whose name was made to lead here',
    { host: 'evil.example:5001', origin: 'http://evil.example:5001', 'sec-fetch-site': 'same-origin' },
    LOCAL,
    undefined,
    'ADMIN_FORBIDDEN',
  ],
  ['a request without Host', { host: undefined }, LOCAL, undefined, 'ADMIN_FORBIDDEN'],
  ['a request from outside, where there is no token', {}, OUTSIDE, undefined, 'ADMIN_FORBIDDEN'],
  ['a request from outside, without the token', {}, OUTSIDE, TOKEN, 'ADMIN_TOKEN_REQUIRED'],
  ['a wrong token', { authorization: 'Bearer f00e' }, OUTSIDE, TOKEN, 'ADMIN_TOKEN_REQUIRED'],
  ['a wrong token on loopback', { authorization: 'Bearer f00e' }, LOCAL, TOKEN, 'ADMIN_TOKEN_REQUIRED'],
  ['a token where there is none', { authorization: 'Bearer f00d' }, LOCAL, undefined, 'ADMIN_TOKEN_REQUIRED'],
  ['another scheme', { authorization: `Basic ${TOKEN}` }, OUTSIDE, TOKEN, 'ADMIN_TOKEN_REQUIRED'],
  ['the token', { authorization: `Bearer ${TOKEN}` }, OUTSIDE, TOKEN, 'done'],
  [
    'the token, by a name of the machine',
    { authorization: `bearer ${TOKEN}`, host: 'cache.example' },
    LOCAL,
    TOKEN,
    'done',
  ],
  [
    'the token, on a page behind a proxy with TLS',
    { authorization: `Bearer ${TOKEN}`, host: 'cache.example', origin: 'https://cache.example' },
    OUTSIDE,
    TOKEN,
    'done',
  ],
  [
    'the token, on a page of another site',
    { authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' },
    OUTSIDE,
    TOKEN,
    'ADMIN_FORBIDDEN',
  ],
] as const) {
  test(`${what}: ${expected}`, () => {
    assert.equal(outcome(headers, listensOn, token), expected);
  });
}

test('without the token no request from outside changes anything, and no page of another origin ever does', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('localhost', '127.0.0.1:5001', 'evil.example', 'null', 'http://localhost'),
  );
  const headers = fc.record(
    {
      host: text,
      origin: text,
      'sec-fetch-site': fc.constantFrom('same-origin', 'same-site', 'cross-site', 'none'),
      authorization: fc.oneof(
        text,
        text.map((one) => `Bearer ${one}`),
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(headers, fc.boolean(), (found, isLocal) => {
      const result = outcome(found, isLocal ? LOCAL : OUTSIDE, TOKEN);
      const isElsewhere = ['same-site', 'cross-site'].includes(found['sec-fetch-site'] ?? 'none');
      if (!isLocal || isElsewhere) assert.notEqual(result, 'done');
    }),
  );
});

test('loopback is an address, not a name that begins like one', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['127.0.0.1.evil.example', 'localhost.evil.example', '0.0.0.0', '::', '10.0.0.1', ''])
    assert.ok(!isLoopback(host), host);
});
