import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { body } from '../../../test/store/harness.ts';
import {
  CHUNK_BYTES,
  ChunkSummer,
  chunkEnd,
  chunkStart,
  decodeSums,
  encodeSums,
  sumOf,
} from './chunk-sums.ts';

const CONTENT = body(5 * CHUNK_BYTES + 1000).content;
/** Any size, with those around the ends of chunks. */
const SIZE = fc.oneof(
  fc.nat(CONTENT.length),
  fc.constantFrom(0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES),
);

test('the sums of content are those of its chunks, in whatever pieces it came', () => {
  fc.assert(
    fc.property(SIZE, fc.array(fc.integer({ min: 1, max: 200_000 })), (size, lengths) => {
      const content = CONTENT.subarray(0, size);
      const summer = new ChunkSummer();
      let at = 0;
      for (const length of [...lengths, size]) {
        summer.update([content.subarray(at, at + length)]);
        at = Math.min(size, at + length);
      }
      assert.equal(summer.length, size);
      assert.deepEqual([...summer.sums()], sumsOf(content));
    }),
  );
});

test('an update returns a record for each completed chunk, and one for the incomplete chunk', () => {
  const summer = new ChunkSummer();
  const first = summer.update([CONTENT.subarray(0, 1000), CONTENT.subarray(1000, CHUNK_BYTES + 10)]);
  assert.deepEqual(first, [
    { end: CHUNK_BYTES, sum: sumOf(CONTENT.subarray(0, CHUNK_BYTES)) },
    { end: CHUNK_BYTES + 10, sum: sumOf(CONTENT.subarray(CHUNK_BYTES, CHUNK_BYTES + 10)) },
  ]);
  assert.deepEqual(summer.update([CONTENT.subarray(CHUNK_BYTES + 10, 2 * CHUNK_BYTES)]), [
    { end: 2 * CHUNK_BYTES, sum: sumOf(CONTENT.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES)) },
  ]);
  assert.deepEqual(summer.update([]), []);
});

test('sums that were written are read again, and only for content of their size', () => {
  fc.assert(
    fc.property(SIZE, SIZE, (size, other) => {
      const sums = BigUint64Array.from(sumsOf(CONTENT.subarray(0, size)));
      assert.deepEqual(decodeSums(encodeSums(sums), size), sums);
      const isSameCount = Math.ceil(other / CHUNK_BYTES) === sums.length;
      assert.equal(decodeSums(encodeSums(sums), other) !== undefined, isSameCount);
    }),
  );
});

test('a sum is the XXH64 of the bytes, seed 0', () => {
  assert.equal(sumOf(Buffer.from('')), 0xef46db3751d8e999n);
  assert.equal(sumOf(Buffer.from('a')), 0xd24ec4f1a98c6e5bn);
  assert.equal(sumOf(Buffer.from('abc')), 0x44bc2cf5ad770999n);
});

test('a chunk is found by any of its bytes', () => {
  assert.deepEqual([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES].map(chunkStart), [0, 0, 0, CHUNK_BYTES]);
  assert.deepEqual([0, 1, CHUNK_BYTES, CHUNK_BYTES + 1].map(chunkEnd), [
    0,
    CHUNK_BYTES,
    CHUNK_BYTES,
    2 * CHUNK_BYTES,
  ]);
});

function sumsOf(content: Buffer): bigint[] {
  return Array.from({ length: Math.ceil(content.length / CHUNK_BYTES) }, (_, at) =>
    sumOf(content.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES)),
  );
}
