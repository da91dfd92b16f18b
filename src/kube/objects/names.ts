import { createHash } from 'node:crypto';

/** RFC 1123, which most names in Kubernetes follow. */
const LONGEST_LABEL = 63;
/** 64 bits: a collision with another namespace's name cannot be found on purpose. */
const HASH_DIGITS = 16;

/**
 * DNS label for these parts: equal for equal parts, different for others, and readable as far as the length allows. Creating an object
 * under such a name twice creates it once.
 */
export function labelFor(...parts: readonly [string, ...string[]]): string {
  // JSON separates the parts, so ("a", "b-c") differs from ("a-b", "c").
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, HASH_DIGITS);
  const readable = parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_LABEL - HASH_DIGITS - 1)
    .replaceAll(/^[-0-9]+|-+$/g, '');
  return readable === '' ? `x-${hash}` : `${readable}-${hash}`;
}
