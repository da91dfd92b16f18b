import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { createChunkedBody } from './chunked-body.ts';

interface Outcome {
  readonly body: Buffer;
  readonly rest: Buffer;
  readonly isComplete: boolean;
  readonly isBad: boolean;
}

/** Reads a stream that arrives in parts of these sizes, repeated. */
function readAll(stream: Buffer, sizes: readonly number[]): Outcome {
  const chunked = createChunkedBody();
  const body: Buffer[] = [];
  const rest: Buffer[] = [];
  let isBad = false;
  for (let at = 0, count = 0; at < stream.length && !isBad; count += 1) {
    const size = sizes[count % sizes.length] ?? stream.length;
    const part = Buffer.from(stream.subarray(at, at + size));
    at += size;
    try {
      const { bodyBytes, restBytes } = chunked.read(part);
      assert.ok(bodyBytes + restBytes <= part.length);
      body.push(part.subarray(0, bodyBytes));
      rest.push(part.subarray(bodyBytes, bodyBytes + restBytes));
    } catch (error) {
      assert.ok(isLarderError(error, 'UPSTREAM_BAD_ANSWER'));
      isBad = true;
    }
  }
  return { body: Buffer.concat(body), rest: Buffer.concat(rest), isComplete: chunked.isComplete, isBad };
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const readText = (value: string): Outcome => readAll(text(value), []);

const splits = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 });
const extension = fc.stringMatching(
  /^(?:[ \t]?;[ \t]?[a-z]{1,5}(?:=(?:[a-z0-9]{1,5}|"[ -!#-~\x80-\xff]{0,9}"))?){0,2}$/,
);
const chunk = fc.record({
  bytes: fc.uint8Array({ minLength: 1, maxLength: 70 }),
  zeros: fc.nat({ max: 3 }),
  isUpper: fc.boolean(),
  extension,
});
const stream = fc.record({
  chunks: fc.array(chunk, { maxLength: 12 }),
  last: extension,
  trailers: fc.array(fc.stringMatching(/^X-[a-z]{1,5}: [!-~]{0,9}$/), { maxLength: 3 }),
});

type Coded = typeof stream extends fc.Arbitrary<infer T> ? T : never;

function encode({ chunks, last, trailers }: Coded): Buffer {
  const parts = chunks.flatMap(({ bytes, zeros, isUpper, ...rest }) => {
    const hex = bytes.length.toString(16);
    const size = '0'.repeat(zeros) + (isUpper ? hex.toUpperCase() : hex);
    return [text(`${size}${rest.extension}\r\n`), Buffer.from(bytes), text('\r\n')];
  });
  return Buffer.concat([...parts, text([`0${last}`, ...trailers, '\r\n'].join('\r\n'))]);
}

describe('a chunked body', () => {
  test('is decoded with any chunks, extensions, trailers and splits, and so is the rest behind its end', () => {
    fc.assert(
      fc.property(stream, fc.uint8Array({ maxLength: 50 }), splits, (coded, after, sizes) => {
        const outcome = readAll(Buffer.concat([encode(coded), after]), sizes);
        const body = Buffer.concat(coded.chunks.map(({ bytes }) => bytes));
        assert.deepEqual(outcome, { body, rest: Buffer.from(after), isComplete: true, isBad: false });
      }),
    );
  });

  test('is not complete before its last byte', () => {
    fc.assert(
      fc.property(stream, splits, (coded, sizes) => {
        const { isComplete, isBad } = readAll(encode(coded).subarray(0, -1), sizes);
        assert.deepEqual([isComplete, isBad], [false, false]);
      }),
    );
  });

  test('fails in one way only if it is invalid', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.constantFrom('0', '5', 'a', ';', ' ', '\r', '\n', '\r\n', 'x'), { maxLength: 60 })
        .map((parts) => text(parts.join(''))),
    );
    fc.assert(fc.property(bytes, splits, (found, sizes) => void readAll(Buffer.from(found), sizes)));
    fc.assert(
      fc.property(stream, fc.nat(), fc.nat({ max: 255 }), splits, (coded, at, byte, sizes) => {
        const broken = encode(coded);
        broken[at % broken.length] = byte;
        readAll(broken, sizes);
      }),
    );
  });

  for (const [title, bad] of [
    ['no size', '\r\n'],
    ['an invalid size', 'g\r\n'],
    ['a negative size', '-1\r\n'],
    ['a size of 2^52', '10000000000000\r\n'],
    ['a bare line feed', '1\nx'],
    ['a carriage return alone', '1\rx'],
    ['more than its size', '1\r\nxy'],
    ['a null byte in an extension', '1;\0'],
    ['a size without an end', '0'.repeat(20_000)],
    ['an extension without an end', `1;${'x'.repeat(20_000)}`],
    ['trailers without an end', `0\r\n${'X-Y: z\r\n'.repeat(4000)}`],
  ] as const)
    test(`is refused with ${title}`, () => {
      const { isBad, isComplete } = readText(bad);
      assert.deepEqual([isBad, isComplete], [true, false]);
    });
});
