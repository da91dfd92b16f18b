import { LRUCache } from 'lru-cache';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { Origin } from '../../store/types.ts';

/** About 200 bytes each: 10 MB at most. */
const HINTS = 50_000;

/**
 * Remembers the sizes of blobs from manifests of the same repository, to reserve room before a download. A size gives no
 * access: it leads neither to bytes nor to the answer of a HEAD (decision 0005, T3).
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
