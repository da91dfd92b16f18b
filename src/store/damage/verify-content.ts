import { existsSync, fstatSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { OutOfService } from './out-of-service.ts';
import { diskError, openFile } from '../files/disk.ts';
import type { Layout } from '../files/layout.ts';
import { verifyFile } from '../sums/verify-file.ts';
import { SharedFile } from '../files/shared-file.ts';

/**
 * Reads all bytes of stored content from disk and compares their hash with the digest. Awaits `paced` with the bytes of each step before
 * reading it. When it resolves, damaged content is out of service, and verified content without sums has them. The read is no use of the
 * content and does not keep it from being evicted. Rejects with the signal's reason, with the rejection of `paced`, and with
 * `STORE_UNAVAILABLE` if the file cannot be opened.
 */
export type VerifyContent = (
  digest: Digest,
  signal: AbortSignal,
  paced: (bytes: number) => Promise<void>,
) => Promise<'right' | 'damaged' | 'absent'>;

export interface VerifyContentDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly outOfService: Pick<OutOfService, 'has' | 'addOrQuarantine'>;
}

/** Ends the read of an evicted or replaced file. Its disk space is free only once it is closed, and a slow reader takes hours. */
const GONE = new Error('the file is gone');

export function createVerifyContent({ layout, catalog, outOfService }: VerifyContentDeps): VerifyContent {
  return async (digest, signal, paced) => {
    const row = catalog.get(digest);
    const fd = row === undefined ? undefined : await open(digest);
    if (row === undefined || fd === undefined) return 'absent';
    const file = new SharedFile(fd);
    try {
      const sums = await verifyFile(row, fd, async (bytes) => {
        signal.throwIfAborted();
        await paced(bytes);
        if (fstatSync(fd).nlink === 0) throw GONE;
      });
      if (typeof sums === 'string') {
        await outOfService.addOrQuarantine(digest, fd, sums);
        // The file that was read may be gone, and a new one in its place.
        return outOfService.has(digest) ? 'damaged' : 'absent';
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
