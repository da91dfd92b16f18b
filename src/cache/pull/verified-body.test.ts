import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../../kit/errors.ts';
import { createDigestHash, digestOf } from '../../oci/digest.ts';
import { verifiedBody } from './verified-body.ts';

const KIB = 1024;

async function* pieces(content: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, index = 0; at < content.length; index += 1) {
    const size = sizes[index % sizes.length] ?? content.length;
    yield content.subarray(at, at + size);
    at += size;
  }
}

/** Bytes that come out before the end or the failure. */
async function collect(body: AsyncIterable<Buffer>): Promise<{ bytes: Buffer; failure: unknown }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (failure) {
    return { bytes: Buffer.concat(chunks), failure };
  }
  return { bytes: Buffer.concat(chunks), failure: undefined };
}

const sizes = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 200 * KIB }), fc.constantFrom(1, 16 * KIB, 64 * KIB)), {
    minLength: 1,
    maxLength: 6,
  })
  .filter((list) => Math.max(...list) >= 4 * KIB);
const algorithm = fc.constantFrom('sha256' as const, 'sha512' as const);

test('a right body comes through unchanged, however it is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(300 * KIB), sizes, algorithm, async (size, cuts, of) => {
      const content = Buffer.alloc(size, 7);
      const digest = digestOf(content, of);
      const { bytes, failure } = await collect(
        verifiedBody(pieces(content, cuts), digest, createDigestHash(digest)),
      );
      assert.equal(failure, undefined);
      assert.ok(bytes.equals(content));
    }),
    { numRuns: 60 },
  );
});

test('a wrong body is never given out whole: its last 64 KiB stay back and the end is UPSTREAM_DIGEST_MISMATCH', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(300 * KIB),
      sizes,
      fc.nat(),
      fc.constantFrom('flip', 'short', 'long'),
      async (size, cuts, at, damage) => {
        const right = Buffer.alloc(size + 1, 7);
        const digest = digestOf(right);
        const wrong =
          damage === 'short'
            ? right.subarray(0, -1)
            : damage === 'long'
              ? Buffer.alloc(size + 2, 7)
              : Buffer.from(right);
        if (damage === 'flip') wrong[at % wrong.length] = 8;
        const { bytes, failure } = await collect(
          verifiedBody(pieces(wrong, cuts), digest, createDigestHash(digest)),
        );
        assert.ok(isLarderError(failure, 'UPSTREAM_DIGEST_MISMATCH'));
        assert.ok(bytes.length <= Math.max(0, wrong.length - 64 * KIB));
        assert.ok(bytes.equals(wrong.subarray(0, bytes.length)));
      },
    ),
    { numRuns: 60 },
  );
});

describe('a body whose beginning was sent before', () => {
  test('is judged together with it', async () => {
    const content = Buffer.from('beginning and end');
    const digest = digestOf(content);
    const beginning = (): ReturnType<typeof createDigestHash> => createDigestHash(digest).update('beginning');
    const right = await collect(verifiedBody(pieces(content.subarray(9), [3]), digest, beginning()));
    assert.equal(right.bytes.toString(), ' and end');
    const wrong = await collect(verifiedBody(pieces(content.subarray(10), [3]), digest, beginning()));
    assert.ok(isLarderError(wrong.failure, 'UPSTREAM_DIGEST_MISMATCH'));
    assert.equal(wrong.bytes.length, 0);
  });
});

test('the failure of the source is passed on', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(100 * KIB);
    throw new RangeError('cut');
  }
  const digest = digestOf(Buffer.alloc(1));
  const { bytes, failure } = await collect(verifiedBody(broken(), digest, createDigestHash(digest)));
  assert.ok(failure instanceof RangeError);
  assert.equal(bytes.length, 0);
});
