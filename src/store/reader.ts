import { existsSync, fstatSync } from 'node:fs';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { SingleFlight } from '../kit/single-flight.ts';
import type { Digest } from '../oci/digest.ts';
import type { Catalog } from './content/catalog.ts';
import type { ChunkSums } from './sums/chunk-sums.ts';
import type { OutOfService } from './damage/out-of-service.ts';
import { openFile } from './files/disk.ts';
import { verifyFile } from './sums/verify-file.ts';
import type { Layout } from './files/layout.ts';
import type { OpenFiles } from './content/open-files.ts';
import { SharedFile } from './files/shared-file.ts';
import type { ContentInfo, OpenContent } from './types.ts';

export interface ReaderDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly outOfService: OutOfService;
  readonly logger: Logger;
}

export interface Reader {
  /** Opens content whose file is not open yet. Undefined if it is absent, damaged or unreadable. */
  open(digest: Digest): Promise<OpenContent | undefined>;
}

/**
 * Opens files whose bytes are checked against the sums of their chunks as they are read. A file without sums (found without an index,
 * adopted, or stored by an older version) is verified as a whole before its first read, which makes its sums.
 */
export function createReader(deps: ReaderDeps): Reader {
  const { layout, catalog, files, outOfService, logger } = deps;
  const verifications = new SingleFlight<Digest, ChunkSums | string>();

  return {
    async open(digest) {
      const row = outOfService.has(digest) ? undefined : catalog.get(digest);
      if (row === undefined) return undefined;
      const path = layout.blob(digest);
      const fd = await openFile(path, 'r')
        .catch((error: unknown) => {
          if (!isGone(error) || !catalog.retake(digest)) throw error;
          return openFile(path, 'r');
        })
        .catch((error: unknown) => missing(digest, error));
      if (fd === undefined) return undefined;
      const file = new SharedFile(fd);
      try {
        const sums = await sumsOf(row, fd);
        // Another reader may have found it damaged meanwhile.
        if (outOfService.has(digest)) return undefined;
        // Another reader may have opened it meanwhile: all readers share one file, so that it is known to be in use.
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
    if (!isGone(error)) {
      logger.warn('stored content cannot be opened', { digest, error: errorText(error) });
      return;
    }
    // It may have been committed again since.
    if (!existsSync(layout.blob(digest))) catalog.remove(digest);
  }

  /** Undefined if the file is damaged. */
  async function sumsOf(row: ContentInfo, fd: number): Promise<ChunkSums | undefined> {
    const { digest, size } = row;
    const known = catalog.sums(row);
    if (known !== undefined && fstatSync(fd).size === size) return known;
    const sums = await verifications.do(digest, () => verifyFile(row, fd));
    if (typeof sums !== 'string') {
      catalog.setSums(digest, sums);
      return sums;
    }
    await outOfService.addOrQuarantine(digest, fd, sums);
    return undefined;
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
