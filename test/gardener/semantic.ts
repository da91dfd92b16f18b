/** Fields that a replacement need not reproduce. */
const IGNORED = ['reason', 'uid', 'generation'];

/**
 * Reduces a recording to its meaning, as the comparison of the recordings does: without fields that are empty, and without texts of Go's
 * libraries.
 */
export function semantic(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(semantic);
  if (typeof value === 'string') return value.replace(LIBRARY_TEXT, '$1...');
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .filter(([key]) => !IGNORED.includes(key))
    .map(([key, one]) => [key, semantic(one)] as const)
    .filter(([, one]) => !isEmpty(one));
  return Object.fromEntries(kept);
}

/** Finds the texts that a decoder or parser of Go words. */
const LIBRARY_TEXT = /((?:failed to decode|could not decode|failed to parse url)[^:]*: )[^]*/;

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
