import type { KubeObject } from './types.ts';

/**
 * Compares two resource versions of one resource: below, at or above 0. Undefined unless both are integers, which aggregated API servers
 * do not promise. Versions of the Kubernetes API itself are comparable by promise since 1.35; in fact they have always been.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!INTEGER.test(a) || !INTEGER.test(b)) return undefined;
  // Versions have 64 bits, more than a number holds. A longer text is a larger integer.
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

/**
 * True if the server had `object` at `version` or earlier, so a store with `object` has not seen our write yet. Versions that cannot be
 * compared are only ever equal.
 */
export function isNotAfter(object: KubeObject, version: string | undefined): boolean {
  const seen = object.metadata.resourceVersion;
  if (seen === undefined || version === undefined) return false;
  return seen === version || (compareVersions(seen, version) ?? 1) <= 0;
}

const INTEGER = /^(0|[1-9][0-9]*)$/;
