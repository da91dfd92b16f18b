/**
 * Compares two resource versions of one resource: below, at or above 0. Undefined when one of them is no integer, as aggregated API
 * servers may have it (versions of the Kubernetes API itself are comparable since 1.35 by promise, and have always been in fact).
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!INTEGER.test(a) || !INTEGER.test(b)) return undefined;
  // Longer means larger; they are 64 bits and do not fit a number.
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

const INTEGER = /^(0|[1-9][0-9]*)$/;
