import { existsSync, fstatSync, statSync } from 'node:fs';
import { createDigestHash, digestAlgorithm, type Digest } from '../oci/digest.ts';
import type { Catalog } from './catalog.ts';
import { diskError, openFile } from './disk.ts';
import { hashFile } from './hash-file.ts';
import type { Layout } from './layout.ts';
import type { Quarantine } from './quarantine.ts';
import { SharedFile } from './shared-file.ts';

/** What a look at all the bytes of stored content has found. */
export type Proof = 'right' | 'damaged' | 'absent';

/** Resolves when so many bytes more may be read; rejects when they are not wanted any more. */
export type Paced = (bytes: number) => Promise<void>;

/**
 * Reads the whole of stored content from disk and compares its hash with its digest. Damaged content is out of service when this
 * resolves. It is no use of the content, and does not keep it from being evicted. Rejects with the signal's reason, and with
 * `STORE_UNAVAILABLE` when the file cannot be opened.
 */
export type Prove = (digest: Digest, signal: AbortSignal, paced: Paced) => Promise<Proof>;

export interface ProveDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly quarantine: Pick<Quarantine, 'take'>;
}

export function createProve({ layout, catalog, quarantine }: ProveDeps): Prove {
  return async (digest, signal, paced) => {
    const row = catalog.get(digest);
    const fd = row === undefined ? undefined : await open(digest);
    if (row === undefined || fd === undefined) return 'absent';
    const file = new SharedFile(fd);
    try {
      const { size, ino, mtimeMs } = fstatSync(fd);
      const why =
        size === row.size
          ? await flaw(digest, fd, size, signal, paced)
          : `expected ${row.size} bytes, found ${size}`;
      // Only the file that was looked at: it may be gone, and a new one in its place.
      if (statSync(layout.blob(digest), { throwIfNoEntry: false })?.ino !== ino) return 'absent';
      if (why !== undefined) {
        await quarantine.take(digest, why);
        return 'damaged';
      }
      const isAsRead = fstatSync(fd).mtimeMs === mtimeMs;
      if (isAsRead && row.verifiedMtime !== mtimeMs) catalog.verified(digest, mtimeMs);
      return 'right';
    } finally {
      file.release();
    }
  };

  async function open(digest: Digest): Promise<number | undefined> {
    try {
      return await openFile(layout.blob(digest), 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw diskError(`read ${digest}`, error);
      // It may have been committed again since.
      if (!existsSync(layout.blob(digest))) catalog.remove(digest);
      return undefined;
    }
  }
}

/** What is wrong with the bytes; undefined: nothing. A disk that cannot give them is as bad as one that gives others. */
async function flaw(
  digest: Digest,
  fd: number,
  size: number,
  signal: AbortSignal,
  paced: Paced,
): Promise<string | undefined> {
  const hash = createDigestHash(digest);
  try {
    await hashFile(fd, size, hash, async (bytes) => {
      signal.throwIfAborted();
      await paced(bytes);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    return 'the disk cannot read it (EIO)';
  }
  return `${digestAlgorithm(digest)}:${hash.digest('hex')}` === digest
    ? undefined
    : 'its bytes do not hash to its digest';
}
