import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.ts';
import { namesIn, rethrow } from './entries.ts';

/** A folder of blobs, which has a 256th of all. */
export interface BlobFolder {
  readonly algorithm: string;
  readonly prefix: string;
  readonly path: string;
}

/**
 * Yields the folders `<algorithm>/<first two>` below `blobs`, at most 256 for each algorithm. `onError`: called for an algorithm whose folders cannot
 * be read; what it throws ends the iteration, which is the default.
 */
export async function* blobFolders(
  blobs: string,
  onError: (error: unknown) => void = rethrow,
): AsyncGenerator<BlobFolder> {
  for (const algorithm of ['sha256', 'sha512']) {
    const prefixes = await namesIn(join(blobs, algorithm)).catch((error: unknown) => {
      onError(error);
      return [];
    });
    for (const prefix of prefixes.filter((name) => /^[a-f0-9]{2}$/.test(name)))
      yield { algorithm, prefix, path: join(blobs, algorithm, prefix) };
  }
}

/** Digests of the blobs in such a folder. None if it does not exist; rejects if it cannot be read. */
export async function digestsIn({ algorithm, path }: Omit<BlobFolder, 'prefix'>): Promise<Digest[]> {
  const names = await namesIn(path);
  return names.map((hex) => `${algorithm}:${hex}`).filter((text) => isDigest(text));
}
