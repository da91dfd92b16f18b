import { createRecentMap } from '../../kit/recent-map.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { RepositoryId } from '../../store/types.ts';

/** About 200 bytes each: 10 MB at most. */
const HINTS = 50_000;

/**
 * Remembers the sizes of blobs from manifests of the same repository, to reserve room before a download. A size gives no
 * access: it leads neither to bytes nor to the answer of a HEAD (decision 0005, T3).
 */
export interface SizeHints {
  learn(repositoryId: RepositoryId, manifest: Manifest): void;
  size(repositoryId: RepositoryId, digest: Digest): number | undefined;
}

export function createSizeHints(): SizeHints {
  const sizes = createRecentMap<string, number>(HINTS);
  const key = (repositoryId: RepositoryId, digest: Digest): string =>
    `${repositoryId.upstream}/${repositoryId.repository}@${digest}`;
  return {
    learn(repositoryId, manifest) {
      for (const blob of manifest.blobs) sizes.set(key(repositoryId, blob.digest), blob.size);
    },
    size: (repositoryId, digest) => sizes.get(key(repositoryId, digest)),
  };
}
