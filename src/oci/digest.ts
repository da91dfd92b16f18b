import { createHash, type Hash } from 'node:crypto';
import { LarderError } from '../kit/errors.ts';

/**
 * A content address, `sha256:<64 hex>` or `sha512:<128 hex>`, lower case (image-spec descriptor.md, "Digests"). Other algorithms
 * are refused, because Larder could not verify their bytes.
 */
export type Digest = string & { readonly __brand: 'Digest' };

export type DigestAlgorithm = 'sha256' | 'sha512';

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Parses a digest. Throws `DIGEST_INVALID` with the text that was found. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new LarderError(
    'DIGEST_INVALID',
    `invalid digest ${JSON.stringify(text.slice(0, 150))}: expected sha256:<64 hex> or sha512:<128 hex>, lower case`,
  );
}

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, 6) as DigestAlgorithm;
}

export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/** The hash that proves content against `digest`. */
export function createDigestHash(digest: Digest): Hash {
  return createHash(digestAlgorithm(digest));
}

/** Computes the digest of `content`, by default SHA-256. */
export function digestOf(content: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}` as Digest;
}
