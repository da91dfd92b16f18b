import { existsSync, fstatSync, statSync, type Stats } from 'node:fs';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { SingleFlight } from '../kit/single-flight.ts';
import { createDigestHash, digestAlgorithm, type Digest } from '../oci/digest.ts';
import type { Catalog } from './catalog.ts';
import type { ContentRow } from './content-index.ts';
import { openFile } from './disk.ts';
import { hashFile } from './hash-file.ts';
import type { Layout } from './layout.ts';
import type { OpenFiles } from './open-files.ts';
import type { Quarantine } from './quarantine.ts';
import { SharedFile } from './shared-file.ts';
import type { OpenContent } from './types.ts';

export interface ReaderDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly quarantine: Quarantine;
  readonly logger: Logger;
}

export interface Reader {
  /** Opens content that no reader has open yet. Undefined when it is not there, damaged or unreadable. */
  open(digest: Digest): Promise<OpenContent | undefined>;
}

/**
 * Opens files and makes sure of them first: the size must be that of the index, and bytes that were not proven since the file
 * was last modified are hashed before anyone reads them. That is once for content found without an index or restored from a
 * backup, and finds what was cut or overwritten; it does not find bits that rot without the file system's knowledge.
 */
export function createReader(deps: ReaderDeps): Reader {
  const { layout, catalog, files, quarantine, logger } = deps;
  const proofs = new SingleFlight<Digest, boolean>();

  return {
    async open(digest) {
      const row = catalog.get(digest);
      if (row === undefined) return undefined;
      const fd = await openFile(layout.blob(digest), 'r').catch((error: unknown) => missing(digest, error));
      if (fd === undefined) return undefined;
      const file = new SharedFile(fd);
      try {
        const stats = fstatSync(fd);
        if (!(await sound(row, fd, stats))) return undefined;
        // Another caller may have been faster: all readers share its file, so that it is known to be in use.
        return files.get(digest) ?? files.add(catalog.get(digest) ?? row, file.retain(), stats.mtimeMs);
      } catch (error) {
        logger.warn('stored content cannot be read', { digest, error: errorText(error) });
        return undefined;
      } finally {
        file.release();
      }
    },
  };

  function missing(digest: Digest, error: unknown): undefined {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      logger.warn('stored content cannot be opened', { digest, error: errorText(error) });
      return;
    }
    // It may have been committed again since.
    if (!existsSync(layout.blob(digest))) catalog.remove(digest);
  }

  async function sound(row: ContentRow, fd: number, stats: Stats): Promise<boolean> {
    const { digest } = row;
    if (stats.size !== row.size) {
      await reject(digest, stats, `expected ${row.size} bytes, found ${stats.size}`);
      return false;
    }
    if (stats.mtimeMs === row.verifiedMtime) return true;
    if (await proofs.do(digest, () => prove(digest, fd, stats))) return true;
    await reject(digest, stats, 'its bytes do not hash to its digest');
    return false;
  }

  async function prove(digest: Digest, fd: number, { size, mtimeMs }: Stats): Promise<boolean> {
    const hash = createDigestHash(digest);
    await hashFile(fd, size, hash);
    if (`${digestAlgorithm(digest)}:${hash.digest('hex')}` !== digest) return false;
    if (fstatSync(fd).mtimeMs === mtimeMs) catalog.verified(digest, mtimeMs);
    return true;
  }

  /** Only the file that was looked at: a new one may have taken its place. */
  async function reject(digest: Digest, stats: Stats, why: string): Promise<void> {
    if (statSync(layout.blob(digest), { throwIfNoEntry: false })?.ino === stats.ino) {
      await quarantine.take(digest, why);
    }
  }
}
