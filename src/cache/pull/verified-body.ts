import type { Hash } from 'node:crypto';
import { LarderError } from '../../kit/errors.ts';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.ts';
import { HOLD_BACK_BYTES } from './fill.ts';

/**
 * Passes a body through, hashes it, and holds back its end until the digest is right. `hash` covers the bytes sent before.
 * Throws `UPSTREAM_DIGEST_MISMATCH` instead of giving out the end of a wrong body.
 */
export async function* verifiedBody(
  body: AsyncIterable<Buffer>,
  digest: Digest,
  hash: Hash,
): AsyncGenerator<Buffer, void, undefined> {
  const held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    held.push(chunk);
    heldBytes += chunk.length;
    while (held[0] !== undefined && heldBytes - held[0].length >= HOLD_BACK_BYTES) {
      heldBytes -= held[0].length;
      yield held[0];
      held.shift();
    }
  }
  if (hash.digest('hex') !== digestHex(digest)) {
    throw new LarderError(
      'UPSTREAM_DIGEST_MISMATCH',
      `the upstream sent bytes for ${digest} with another ${digestAlgorithm(digest)} digest`,
    );
  }
  yield* held;
}
