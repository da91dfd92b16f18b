import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { parseAnswerHead } from './answer-head.ts';
import { endToEnd } from '../relay/end-to-end.ts';

const read = (...lines: string[]) => parseAnswerHead(lines.join('\r\n'), false);
const isBad = (error: unknown): boolean => isLarderError(error, 'UPSTREAM_BAD_ANSWER');

describe('the head of an answer', () => {
  test('gives status, headers as received, and the length of the body', () => {
    assert.deepEqual(read('HTTP/1.1 206 Partial Content', 'Content-Length:  10 ', 'ETag: "x"', 'X-Empty:'), {
      status: 206,
      reason: 'Partial Content',
      rawHeaders: ['Content-Length', '10', 'ETag', '"x"', 'X-Empty', ''],
      bodyBytes: 10,
      keepAlive: true,
    });
  });

  test('has no body after HEAD, 204 and 304', () => {
    assert.equal(parseAnswerHead('HTTP/1.1 200 OK\r\nContent-Length: 10', true).bodyBytes, 0);
    assert.equal(read('HTTP/1.1 304 Not Modified', 'Content-Length: 10').bodyBytes, 0);
    assert.equal(read('HTTP/1.1 204').bodyBytes, 0);
  });

  test('shows a chunked body', () => {
    const lines = ['HTTP/1.1 200 OK', 'transfer-encoding: Chunked'];
    assert.equal(read(...lines).bodyBytes, 'chunked');
    assert.equal(parseAnswerHead(lines.join('\r\n'), true).bodyBytes, 0);
  });

  test('shows whether the connection stays open', () => {
    assert.equal(read('HTTP/1.1 204', 'Connection: foo, Close').keepAlive, false);
    assert.equal(read('HTTP/1.1 204', 'Connection: keep-alive').keepAlive, true);
  });

  for (const [title, ...lines] of [
    ['another protocol', 'HTTP/1.0 200 OK', 'Content-Length: 0'],
    ['an interim status', 'HTTP/1.1 100 Continue'],
    ['no length', 'HTTP/1.1 200 OK'],
    ['two lengths', 'HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 1'],
    ['a negative length', 'HTTP/1.1 200 OK', 'Content-Length: -1'],
    ['a length beside chunks', 'HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    ['chunks beside a length', 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 1'],
    ['chunks twice', 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['another encoding', 'HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked'],
    ['a folded line', 'HTTP/1.1 200 OK', 'A: b', ' c', 'Content-Length: 0'],
    ['a blank before the colon', 'HTTP/1.1 200 OK', 'Content-Length : 0'],
    ['a bare line feed', 'HTTP/1.1 200 OK', 'A: b\nContent-Length: 0'],
  ] as const)
    test(`is refused with ${title}`, () => assert.throws(() => read(...lines), isBad));

  test('is parsed as it was written, and fails in one way only on anything else', () => {
    const name = fc.stringMatching(/^X-[A-Za-z0-9-]{1,12}$/);
    const value = fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/);
    const headers = fc.array(fc.tuple(name, value), { maxLength: 20 });
    fc.assert(
      fc.property(headers, fc.nat(), (pairs, length) => {
        const lines = [...pairs, ['Content-Length', String(length)]].map((pair) => pair.join(': '));
        const { rawHeaders, bodyBytes } = read('HTTP/1.1 200 OK', ...lines);
        assert.deepEqual(rawHeaders, [...pairs.flat(), 'Content-Length', String(length)]);
        assert.equal(bodyBytes, length);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        try {
          parseAnswerHead(text, false);
        } catch (error) {
          assert.ok(isBad(error));
        }
      }),
    );
  });
});

test('headers of the connection, and those that Connection names, are dropped; all others are passed on unchanged', () => {
  const raw = [
    'Range',
    'bytes=0-',
    'Connection',
    'X-Hop, keep-alive',
    'x-hop',
    '1',
    'TE',
    'trailers',
    'accept',
    'a',
    'Accept',
    'b',
  ];
  assert.deepEqual(endToEnd(raw), ['Range', 'bytes=0-', 'accept', 'a', 'Accept', 'b']);
  assert.deepEqual(endToEnd(raw, ['range', 'accept']), []);
});

test('a request keeps its Host, whatever its Connection names', () => {
  assert.deepEqual(endToEnd(['Host', 'x', 'X-Hop', '1', 'Connection', 'Host, x-hop']), ['Host', 'x']);
});
