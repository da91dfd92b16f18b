/** Parts of requests that nobody should send, or hardly anybody does. Latin-1, as they go out. */
import { basic } from '../../kit/index.ts';
import { ALICE } from './setting.ts';

export const METHODS = words(`
  HEAD HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT CONNECT PROPFIND QUERY get G NONSENSE`);

export const VERSIONS = words('HTTP/1.0 HTTP/1.1 HTTP/2.0 HTTP/9 http/1.1');

export const TARGETS = [
  ...words(`
    * / // /v2 /v2/ /v2// /v2/_catalog /token/ /token/nobody /healthz /metrics /api/v1/stats /api/v1/__proto__
    http://larder/v2/ https://user:word@larder:1/v2/ larder:5000 /v2/../../etc/passwd /v2/%2e%2e/x /v2/\xe9/tags/list
    /v2/%ZZ/manifests/v1 /v2/%00/manifests/v1 /v2/a%0d%0ab/manifests/v1 /v2/team/app/manifests/%E0%A4%A
    /v2/team/app/blobs/sha256:short /v2/team/app/blobs/__proto__ /v2/team/app/manifests/constructor
    /v2/?ns= /v2/?ns=__proto__ /v2/?ns=%00 /v2/?ns=a&ns=b /v2/team/app/tags/list?n=-1&last=%ff
    /v2/team/app/referrers/sha256:x?artifactType=%`),
  `/v2/${'a/'.repeat(2000)}manifests/v1`,
  `/v2/?${'x=1&'.repeat(5000)}`,
  `/${'y'.repeat(70_000)}`,
];

const RANGES = [
  ...words(`
    bytes=0- bytes=-1 bytes=-0 bytes=5-4 bytes=0-0 bytes= bytes=a-b bytes=--1 bytes bytes=0-0,5-9 bytes=65536-
    bytes=524288-99999999 bytes=400000-400001 lines=1-2 bytes=0x10- bytes=1e9-`),
  `bytes=${'0-1,'.repeat(500)}2-3`,
  `bytes=${'9'.repeat(400)}-`,
  `bytes=-${'9'.repeat(400)}`,
];

const AUTHORIZATIONS = [
  basic(ALICE.user, ALICE.password),
  basic(ALICE.user, 'not-of-the-flood'),
  `Bearer ${'A'.repeat(20_000)}`,
  ...lines(`
Basic
Basic \xe9
Basic Og==
Bearer
Bearer x
Bearer a..b.c.d
Bearer eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoieCJ9..AAAA.AAAA.AAAA
Bearer eyJhbGciOiJub25lIn0.eyJleHAiOjFlMzA4fQ.
Negotiate abc
\xff`),
];

export const HEADERS = [
  ...RANGES.map((range) => `Range: ${range}`),
  ...AUTHORIZATIONS.map((authorization) => `Authorization: ${authorization}`),
  `X-Long: ${'z'.repeat(70_000)}`,
  'X-Many: 1\r\n'.repeat(1500).trimEnd(),
  'Connection: Upgrade\r\nUpgrade: h2c',
  ...lines(`
Host: other
Host:
Connection: close
Connection: keep-alive, x
Expect: 100-continue
Expect: everything
Accept: */*
Accept: ,,,;q=
Accept: \xe9
Accept-Encoding: br
If-None-Match: *
If-None-Match: "x", W/"y"
If-Match: "x"
If-Range: "x"
Content-Type: application/x-www-form-urlencoded
Cookie: a=b
TE: trailers
Trailer: x
Upgrade: websocket
Max-Forwards: 0
__proto__: x
X: \tx\t
 folded: line
no colon
Bad Name: x
Nul: \0`),
];

const FORM = `grant_type=password&username=${ALICE.user}&password=not-of-the-flood&scope=x`;

/** Each with the header that announces it, rightly or not. */
export const BODIES: readonly { readonly header: string; readonly content: string }[] = [
  { header: `Content-Length: ${FORM.length}`, content: FORM },
  { header: 'Content-Length: 100000', content: FORM },
  { header: 'Content-Length: 3', content: FORM },
  { header: 'Content-Length: 70000', content: 'z'.repeat(70_000) },
  { header: 'Content-Length: -1', content: '' },
  { header: 'Content-Length: 1\r\nContent-Length: 2', content: 'zz' },
  {
    header: 'Transfer-Encoding: chunked',
    content: `${FORM.length.toString(16)}\r\n${FORM}\r\n0\r\n\r\n`,
  },
  { header: 'Transfer-Encoding: chunked', content: '5\r\nabcde\r\n' },
  { header: 'Transfer-Encoding: chunked', content: 'ZZZ\r\n' },
  { header: 'Transfer-Encoding: chunked\r\nContent-Length: 5', content: '0\r\n\r\n' },
  { header: 'Transfer-Encoding: gzip', content: '\x1f\x8b' },
];

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
