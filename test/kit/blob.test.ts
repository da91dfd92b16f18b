import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { blobFrom, blobOf, digestOf } from './blob.ts';

const MIB = 1 << 20;

test('the same size and seed give the same bytes, another seed others', () => {
  assert.equal(blobOf(1000, 7).digest, digestOf(blobOf(1000, 7).read()));
  assert.notEqual(blobOf(1000, 7).digest, blobOf(1000, 8).digest);
  assert.equal(
    blobOf(4, 1).digest,
    'sha256:3fb4aeb586982fd166e31c1e0b495d25c0df60d5044d9cd397ba6cf001185940',
  );
});

test('any part read alone is that part of the whole', () => {
  const size = 3 * MIB + 17;
  const blob = blobOf(size, 3);
  const whole = blob.read();
  fc.assert(
    fc.property(fc.nat(size), fc.nat(size), fc.integer({ min: 1, max: 2 * MIB }), (a, b, chunkBytes) => {
      const [start, end] = a < b ? [a, b] : [b, a];
      const part = Buffer.concat([...blob.chunks(start, end, chunkBytes)]);
      assert.ok(part.equals(whole.subarray(start, end)));
      assert.ok(blob.matches(part, start));
    }),
    { numRuns: 20 },
  );
});

test('bytes from a wrong offset never match, however the offset is wrong', () => {
  const blob = blobOf(64 * MIB, 5);
  const offset = fc.nat(64 * MIB - 16);
  fc.assert(
    fc.property(offset, offset, (right, wrong) => {
      fc.pre(right !== wrong);
      assert.ok(!blob.matches(blob.read(wrong, wrong + 16), right));
    }),
  );
  for (let tile = 1; tile < 64; tile += 1) {
    assert.ok(!blob.matches(blob.read(tile * MIB, tile * MIB + 16), 0), `tile ${tile} looks like tile 0`);
  }
});

test('bytes beyond the end do not match', () => {
  assert.ok(!blobOf(10).matches(Buffer.alloc(1), 10));
  assert.ok(blobOf(10).matches(Buffer.alloc(0), 10));
});

test('a quarter gigabyte costs the memory of two tiles', () => {
  const before = process.memoryUsage().arrayBuffers;
  const blob = blobOf(256 * MIB);
  for (const _chunk of blob.chunks(200 * MIB, 256 * MIB));
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * MIB);
});

test('given bytes are a blob like any other, streams included', async () => {
  const bytes = blobOf(2 * MIB + 1).read();
  const blob = blobFrom(bytes, 'sha512');
  assert.equal(blob.digest, digestOf(bytes, 'sha512'));
  const streamed = Buffer.concat(await blob.stream(5, MIB + 5).toArray());
  assert.ok(streamed.equals(bytes.subarray(5, MIB + 5)));
  assert.equal(
    blobFrom('').digest,
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});
