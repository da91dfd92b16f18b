import { existsSync, fstatSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Damage } from './damage.ts';
import { diskError, openFile } from '../files/disk.ts';
import type { Layout } from '../files/layout.ts';
import { provenSums } from '../sums/proven-sums.ts';
import { SharedFile } from '../files/shared-file.ts';

/** What a look at all the bytes of stored content has found. */
export type Proof = 'right' | 'damaged' | 'absent';

/** Resolves when so many bytes more may be read; rejects when they are not wanted any more. */
export type Paced = (bytes: number) => Promise<void>;

/**
 * Reads the whole of stored content from disk and compares its hash with its digest. Damaged content is out of service when this
 * resolves, and what had no sums has them. It is no use of the content, and does not keep it from being evicted. Rejects with the signal's
 * reason, and with `STORE_UNAVAILABLE` when the file cannot be opened.
 */
export type Prove = (digest: Digest, signal: AbortSignal, paced: Paced) => Promise<Proof>;

export interface ProveDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly damage: Pick<Damage, 'has' | 'found'>;
}

/** The file was evicted or replaced. Its disk is free only when it is closed, and a slow reader would keep it for hours. */
const GONE = new Error('the file is gone');

export function createProve({ layout, catalog, damage }: ProveDeps): Prove {
  return async (digest, signal, paced) => {
    const row = catalog.get(digest);
    const fd = row === undefined ? undefined : await open(digest);
    if (row === undefined || fd === undefined) return 'absent';
    const file = new SharedFile(fd);
    try {
      const sums = await provenSums(row, fd, async (bytes) => {
        signal.throwIfAborted();
        await paced(bytes);
        if (fstatSync(fd).nlink === 0) throw GONE;
      });
      if (typeof sums === 'string') {
        await damage.found(digest, fd, sums);
        // Only the file that was looked at: it may be gone, and a new one in its place.
        return damage.has(digest) ? 'damaged' : 'absent';
      }
      if (catalog.sums(row) === undefined) catalog.setSums(digest, sums);
      return 'right';
    } catch (error) {
      if (error === GONE) return 'absent';
      throw error;
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
