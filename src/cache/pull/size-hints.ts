import { LRUCache } from 'lru-cache';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { Origin } from '../../store/types.ts';

/** About 200 bytes each: 10 MB at the most. */
const HINTS = 50_000;

/**
 * Sizes of blobs as manifests of the same repository gave them: they reserve room before a download and answer a HEAD
 * without asking. A hint is not a permission: it never leads to bytes.
 */
export interface SizeHints {
  learn(origin: Origin, manifest: Manifest): void;
  size(origin: Origin, digest: Digest): number | undefined;
}

export function createSizeHints(): SizeHints {
  const sizes = new LRUCache<string, number>({ max: HINTS });
  const key = (origin: Origin, digest: Digest): string => `${origin.upstream}/${origin.repository}@${digest}`;
  return {
    learn(origin, manifest) {
      for (const blob of manifest.blobs) sizes.set(key(origin, blob.digest), blob.size);
    },
    size: (origin, digest) => sizes.get(key(origin, digest)),
  };
}
