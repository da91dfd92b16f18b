import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { goQuote } from '../../kit/document/go-quote.ts';
import { parseGoUrl } from './go-url.ts';

// All outcomes in this file were checked against Go 1.26.
const PARTS: readonly [
  url: string,
  scheme: string,
  host: string,
  path: string,
  query: string,
  fragment: string,
][] = [
  ['https://a.io', 'https', 'a.io', '', '', ''],
  ['HTTPS://a.io:80/x?y#z', 'https', 'a.io:80', '/x', 'y', 'z'],
  ['https://a.io?', 'https', 'a.io', '', '', ''],
  ['https://user:pw@a.io', 'https', 'a.io', '', '', ''],
  ['https://@a.io', 'https', 'a.io', '', '', ''],
  ['https://[::1%25a%20%41%25]', 'https', '[::1%25a%20%41%25]', '', '', ''],
  ['https://[::1%25eth0]:80', 'https', '[::1%25eth0]:80', '', '', ''],
  ['https:a.io', 'https', '', '', '', ''],
  ['https:/a.io', 'https', '', '/a.io', '', ''],
  ['a.io/x', '', '', 'a.io/x', '', ''],
  ['//a.io', '', 'a.io', '', '', ''],
  ['///a.io', '', '', '///a.io', '', ''],
  ['1http://a', '', '', '', '', ''],
  ['', '', '', '', '', ''],
];

for (const [url, scheme, host, path, query, fragment] of PARTS) {
  test(`splits ${JSON.stringify(url)} as Go does`, () => {
    const parts = parseGoUrl(url);
    if (url === '1http://a') {
      assert.deepEqual(parts, { error: 'parse "1http://a": first path segment in URL cannot contain colon' });
      return;
    }
    const hasUserInfo = url.includes('@');
    assert.deepEqual(parts, { scheme, host, path, query, fragment, hasUserInfo });
  });
}

const REFUSED: readonly [url: string, error: string][] = [
  ['https://a.io ', 'parse "https://a.io ": invalid character " " in host name'],
  ['https://a%2fb.io', 'parse "https://a%2fb.io": invalid URL escape "%2f"'],
  ['https://a.io/%zz', 'parse "https://a.io/%zz": invalid URL escape "%zz"'],
  ['https://a.io#%z', 'parse "https://a.io#%z": invalid URL escape "%z"'],
  ['https://a.io\n', String.raw`parse "https://a.io\n": net/url: invalid control character in URL`],
  ['https://a.io:8o', 'parse "https://a.io:8o": invalid port ":8o" after host'],
  ['https://a:1:2', 'parse "https://a:1:2": invalid port ":1:2" after host'],
  ['https://::1', 'parse "https://::1": invalid port "::1" after host'],
  ['https://[::1', `parse "https://[::1": missing ']' in host`],
  ['https://[::1]x', 'parse "https://[::1]x": invalid port "x" after host'],
  ['https://a[::1]', 'parse "https://a[::1]": invalid IP-literal'],
  ['https://[1.2.3.4]', 'parse "https://[1.2.3.4]": invalid IP-literal'],
  [
    'https://[fe80::1%25]',
    'parse "https://[fe80::1%25]": invalid host: ParseAddr("fe80::1%"): zone must be a non-empty string',
  ],
  ['https://[fe80::1%25a%zz]', 'parse "https://[fe80::1%25a%zz]": invalid URL escape "%zz"'],
  ['https://[fe80::1%25a|b]', 'parse "https://[fe80::1%25a|b]": invalid character "|" in host name'],
  ['https://[fe80::1%25a%7cb]', 'parse "https://[fe80::1%25a%7cb]": invalid URL escape "%7c"'],
  ['https://[fe80::1%25a%ff]', 'parse "https://[fe80::1%25a%ff]": invalid URL escape "%ff"'],
  ['https://a.io/%2ß', String.raw`parse "https://a.io/%2ß": invalid URL escape "%2\xc3"`],
  ['https://a.io/%日', String.raw`parse "https://a.io/%日": invalid URL escape "%\xe6\x97"`],
  ['https://a%äb', 'parse "https://a%äb": invalid URL escape "%ä"'],
  ['https://[a.io]', 'parse "https://[a.io]": invalid host: ParseAddr("a.io"): unable to parse IP'],
  ['https://a b@a.io', 'parse "https://a b@a.io": net/url: invalid userinfo'],
  ['://a.io', 'parse "://a.io": missing protocol scheme'],
];

for (const [url, error] of REFUSED) {
  test(`refuses ${JSON.stringify(url)} in the words of Go`, () => {
    assert.deepEqual(parseGoUrl(url), { error });
  });
}

test('an accepted https URL contains its host, which has no user information', () => {
  const text = fc.array(
    fc.constantFrom('a', '.', ':', '/', '@', '%41', '%', '[', ']', '8', '?', '#', ' ', 'é'),
  );
  fc.assert(
    fc.property(
      text.map((parts) => `https://${parts.join('')}`),
      (url) => {
        const parts = parseGoUrl(url);
        if ('error' in parts) return;
        assert.ok(url.includes(parts.host + parts.path));
        assert.ok(!/[@/?# ]/.test(parts.host));
      },
    ),
  );
});

test('quotes as Go does', () => {
  assert.equal(goQuote('a"b\\c'), String.raw`"a\"b\\c"`);
  assert.equal(goQuote('\u0000\u0007\b\t\n\v\f\r\u001b\u007f'), String.raw`"\x00\a\b\t\n\v\f\r\x1b\x7f"`);
  assert.equal(goQuote('münchen 日本 €'), '"münchen 日本 €"');
  assert.equal(goQuote('\u00a0\u200b\u{e0001}'), String.raw`"\u00a0\u200b\U000e0001"`);
});
