import { createHash } from 'node:crypto';

/** RFC 1123, which Kubernetes holds most names to. */
const LONGEST_LABEL = 63;
/** 64 bits: nobody finds another namespace's name with the same one. */
const HASH_DIGITS = 16;

/**
 * A DNS label for these parts: the same for the same parts, another for others, and readable as far as the length allows. What makes an object
 * under such a name twice makes it once.
 */
export function labelFor(...parts: readonly [string, ...string[]]): string {
  // No part contains what separates them here, so that ("a", "b-c") is not ("a-b", "c").
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, HASH_DIGITS);
  const readable = parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_LABEL - HASH_DIGITS - 1)
    .replaceAll(/^[-0-9]+|-+$/g, '');
  return readable === '' ? `x-${hash}` : `${readable}-${hash}`;
}
