import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isLarderError } from '../kit/errors.ts';
import { createDigestHash, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from './digest.ts';

// FIPS 180-4 examples.
const EMPTY_256 = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC_512 =
  'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f';

test('sha256 and sha512 digests are read, and taken apart', () => {
  assert.equal(parseDigest(EMPTY_256), EMPTY_256);
  assert.equal(digestAlgorithm(parseDigest(ABC_512)), 'sha512');
  assert.equal(digestHex(parseDigest(ABC_512)), ABC_512.slice(7));
});

describe('refused is', () => {
  const hex = 'a'.repeat(64);
  for (const [what, text] of [
    ['nothing', ''],
    ['hex alone', hex],
    ['an upper-case digit', `sha256:A${hex.slice(1)}`],
    ['an upper-case algorithm', `SHA256:${hex}`],
    ['a digit too few', `sha256:${hex.slice(1)}`],
    ['a digit too many', `sha256:${hex}a`],
    ['the length of the other algorithm', `sha512:${hex}`],
    ['an algorithm that is not verified here', `sha384:${'a'.repeat(96)}`],
    ['a line feed at the end', `sha256:${hex}\n`],
    ['a path', `sha256:../../${hex}`],
  ] as const) {
    test(what, () => {
      assert.equal(isDigest(text), false);
      assert.throws(
        () => parseDigest(text),
        (error) =>
          isLarderError(error, 'DIGEST_INVALID') &&
          error.message.includes(JSON.stringify(text).slice(0, 100)),
      );
    });
  }

  test('a very long text, of which only the beginning is repeated', () => {
    assert.throws(
      () => parseDigest('x'.repeat(100_000)),
      (error) => error instanceof Error && error.message.length < 300,
    );
  });
});

test('the digest of content is what the hash that proves it says, for both algorithms', () => {
  assert.equal(digestOf(new Uint8Array()), EMPTY_256);
  assert.equal(digestOf(Buffer.from('abc'), 'sha512'), ABC_512);
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.constantFrom('sha256' as const, 'sha512' as const),
      (content, algorithm) => {
        const digest = digestOf(content, algorithm);
        assert.equal(parseDigest(digest), digest);
        assert.equal(digestHex(digest), createHash(algorithm).update(content).digest('hex'));
        assert.equal(createDigestHash(digest).update(content).digest('hex'), digestHex(digest));
      },
    ),
  );
});
