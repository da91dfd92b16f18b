import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { LarderError } from './errors.ts';
import { readBody, readRequestBody } from './read-body.ts';

const bodyOf = (...chunks: string[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
const tooLong = (): LarderError => new LarderError('REQUEST_INVALID', 'too long');

test('readBody reads a body up to the limit, and destroys a longer one before its end', async () => {
  assert.equal((await readBody(bodyOf('ab', 'cd'), 4, tooLong)).toString(), 'abcd');
  let produced = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        produced += 1;
        yield Buffer.from('abc');
      }
    })(),
  );
  await assert.rejects(readBody(endless, 4, tooLong), { code: 'REQUEST_INVALID' });
  assert.ok(endless.destroyed);
  assert.ok(produced < 100, `${produced} chunks`);
});

test('readRequestBody reads a longer body to its end, and then throws with its size', async () => {
  const request = bodyOf('ab', 'cd', 'e') as IncomingMessage;
  const sizes: number[] = [];
  const noteSize = (size: number): LarderError => {
    sizes.push(size);
    return tooLong();
  };
  await assert.rejects(readRequestBody(request, 4, noteSize), { code: 'REQUEST_INVALID' });
  assert.deepEqual(sizes, [5]);
  assert.ok(request.readableEnded);
});

test('readRequestBody joins the pieces of a body, of any sizes', async () => {
  const pieces = ['', 'a', 'bc', '', 'd', 'efghijklmnop', 'q'];
  const whole = pieces.join('');
  for (const limit of [whole.length, 1000])
    assert.equal(
      (await readRequestBody(bodyOf(...pieces) as IncomingMessage, limit, tooLong)).toString(),
      whole,
    );
  assert.equal((await readRequestBody(bodyOf() as IncomingMessage, 0, tooLong)).length, 0);
});

test('readRequestBody keeps none of the pieces in which a body comes', async () => {
  async function* ofOneBuffer() {
    const piece = Buffer.alloc(1);
    for (const letter of 'abcdefghijk') {
      piece.write(letter);
      yield piece;
    }
  }
  const request = ofOneBuffer() as unknown as IncomingMessage;
  assert.equal((await readRequestBody(request, 100, tooLong)).toString(), 'abcdefghijk');
});

test('readRequestBody throws CLIENT_GONE for a request that breaks off', async () => {
  const request = new Readable({ read() {} }) as IncomingMessage;
  const reading = readRequestBody(request, 4, tooLong);
  request.destroy(new Error('reset'));
  await assert.rejects(reading, { code: 'CLIENT_GONE' });
});
