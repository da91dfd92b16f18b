import { join } from 'node:path';
import { isDigest, type Digest } from '../../oci/digest.ts';
import { entriesOf, namesIn } from './entries.ts';
import { LINK_KINDS, type DistributionLayout } from './distribution-layout.ts';

/**
 * Digests that a repository of a Distribution registry links to: those of an adoption that has not ended, or of a hand-back. About 100 bytes
 * of memory for each. Empty without such a registry. Rejects with the signal's reason, and
 * if a folder cannot be read.
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
    // A symbolic link may lead in a circle, and Distribution makes none.
    const names: string[] = [];
    for await (const page of entriesOf(folder, signal))
      for (const entry of page) if (entry.isDirectory()) names.push(entry.name);
    if (names.some((name) => name.startsWith('_')))
      for (const kind of LINK_KINDS) await addLinks(join(folder, kind));
    for (const name of names) if (!name.startsWith('_')) await walk(join(folder, name));
  }

  async function addLinks(folder: string): Promise<void> {
    for (const algorithm of await namesIn(folder))
      for (const hex of await namesIn(join(folder, algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) found.add(digest);
      }
  }
}
