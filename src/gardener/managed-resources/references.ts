import { hash } from 'node:crypto';

/** Digits of SHA-256 that stand for a name or a content. */
const DIGITS = 8;

/** Begin of the annotations that name what an object uses. */
export const REFERENCE_PREFIX = 'reference.resources.gardener.cloud/';

/**
 * Annotations that name the Secrets which an object uses. The garbage collector of gardener-resource-manager deletes a Secret with its label
 * that no annotation names (gardener v1.147.1, `pkg/resourcemanager/controller/garbagecollector/references`).
 */
export function referenceAnnotations(secretNames: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    secretNames.map((name) => [`${REFERENCE_PREFIX}secret-${shortHash(name)}`, name]),
  );
}

/** The first eight hexadecimal digits of SHA-256. */
export function shortHash(text: string): string {
  return hash('sha256', text).slice(0, DIGITS);
}
