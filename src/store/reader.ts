import { existsSync, fstatSync } from 'node:fs';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { SingleFlight } from '../kit/single-flight.ts';
import type { Digest } from '../oci/digest.ts';
import type { Catalog } from './content/catalog.ts';
import type { ChunkSums } from './sums/chunk-sums.ts';
import type { Damage } from './damage/damage.ts';
import { openFile } from './files/disk.ts';
import { provenSums } from './sums/proven-sums.ts';
import type { Layout } from './files/layout.ts';
import type { OpenFiles } from './content/open-files.ts';
import { SharedFile } from './files/shared-file.ts';
import type { ContentInfo, OpenContent } from './types.ts';

export interface ReaderDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly damage: Damage;
  readonly logger: Logger;
}

export interface Reader {
  /** Opens content that no reader has open yet. Undefined when it is not there, damaged or unreadable. */
  open(digest: Digest): Promise<OpenContent | undefined>;
}

/**
 * Opens files. Their bytes are checked as they are read, against the sums of their chunks; where there are none, as of content found
 * without an index, adopted, or stored by an older version, the whole is hashed once before anyone reads it, and summed by that.
 */
export function createReader(deps: ReaderDeps): Reader {
  const { layout, catalog, files, damage, logger } = deps;
  const proofs = new SingleFlight<Digest, ChunkSums | string>();

  return {
    async open(digest) {
      const row = damage.has(digest) ? undefined : catalog.get(digest);
      if (row === undefined) return undefined;
      const fd = await openFile(layout.blob(digest), 'r').catch((error: unknown) => missing(digest, error));
      if (fd === undefined) return undefined;
      const file = new SharedFile(fd);
      try {
        const sums = await sumsOf(row, fd);
        // Another caller may have found it damaged meanwhile.
        if (damage.has(digest)) return undefined;
        // Another caller may have been faster: all readers share its file, so that it is known to be in use.
        return sums && (files.get(digest) ?? files.add(catalog.get(digest) ?? row, file.retain(), sums));
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

  /** Undefined when the file is damaged. */
  async function sumsOf(row: ContentInfo, fd: number): Promise<ChunkSums | undefined> {
    const { digest, size } = row;
    const known = catalog.sums(row);
    if (known !== undefined && fstatSync(fd).size === size) return known;
    const sums = await proofs.do(digest, () => provenSums(row, fd));
    if (typeof sums !== 'string') {
      catalog.setSums(digest, sums);
      return sums;
    }
    await damage.found(digest, fd, sums);
    return undefined;
  }
}
