import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lines } from './lines.ts';

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
}

async function read(text: string, limit = 1000, cuts: readonly number[] = []): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(pieces(Buffer.from(text), cuts), limit, (fault) => new Error(fault)))
    found.push(line);
  return found;
}

test('property: lines are the same wherever the bytes are cut, even within a character', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).map((line) => JSON.stringify(line))),
      fc.array(fc.nat(500)),
      async (expected, cuts) => {
        assert.deepEqual(
          await read(expected.map((line) => `${line}\n`).join('\r\n'), 10_000, cuts),
          expected,
        );
      },
    ),
  );
});

test('a line is refused as soon as it exceeds the limit, and not at the limit', async () => {
  assert.deepEqual(await read('12345\n', 5), ['12345']);
  await assert.rejects(read('123456\n', 5), /long/);
  await assert.rejects(read('ok\n123456', 5, [4, 5, 6, 7, 8]), /long/);
});

test('an end within a line is an error', async () => {
  await assert.rejects(read('{"a":1}\n{"b"'), /cut/);
});
