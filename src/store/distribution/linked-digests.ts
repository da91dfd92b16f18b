import { join } from 'node:path';
import type { Digest } from '../../oci/digest.ts';
import { digestsIn } from '../files/blob-folders.ts';
import { namesIn } from '../files/entries.ts';
import { LINK_KINDS, type DistributionLayout } from './distribution-layout.ts';
import { repositoryPaths } from './repository-paths.ts';

/**
 * Digests that a repository of a Distribution registry links to: those of an adoption that has not ended, or of a hand-back. About 100 bytes
 * of memory for each. Empty without such a registry. Rejects with the signal's reason, and if a folder cannot be read.
 */
export async function linkedDigests(
  distribution: Pick<DistributionLayout, 'repositories'>,
  signal: AbortSignal,
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  for await (const path of repositoryPaths(distribution, signal)) {
    for (const kind of LINK_KINDS) await addLinks(join(distribution.repositories, path, kind));
  }
  return found;

  async function addLinks(folder: string): Promise<void> {
    for (const algorithm of await namesIn(folder))
      for (const digest of await digestsIn({ algorithm, path: join(folder, algorithm) })) found.add(digest);
  }
}
