import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.ts';
import { LINK_KINDS, type DistributionLayout } from './distribution-layout.ts';

/**
 * Digests that a repository of a Distribution registry links to: those of an adoption that has not ended, or of a hand-back. About 100 bytes
 * of memory for each. Empty without such a registry. Rejects with the signal's reason.
 */
export async function linkedDigests(
  { repositories }: Pick<DistributionLayout, 'repositories'>,
  signal: AbortSignal,
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  await walk(repositories);
  return found;

  async function walk(folder: string): Promise<void> {
    signal.throwIfAborted();
    const names = await namesAt(folder);
    if (names.some((name) => name.startsWith('_')))
      for (const kind of LINK_KINDS) await addLinks(join(folder, kind));
    for (const name of names) if (!name.startsWith('_')) await walk(join(folder, name));
  }

  async function addLinks(folder: string): Promise<void> {
    for (const algorithm of await namesAt(folder))
      for (const hex of await namesAt(join(folder, algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) found.add(digest);
      }
  }
}

/** None if the folder does not exist, or is none. */
async function namesAt(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
