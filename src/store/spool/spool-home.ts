import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Budget } from '../space/budget.ts';
import type { Catalog } from '../content/catalog.ts';
import type { OutOfService } from '../damage/out-of-service.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { SpoolHome } from './spool-file.ts';
import { removeSpool } from '../sums/sum-log.ts';
import { moveSync } from '../files/disk.ts';
import type { Trash } from '../files/trash.ts';

export interface SpoolHomeDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly outOfService: OutOfService;
  readonly budget: Budget;
  readonly partialBodies: PartialBodies;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after each body that was entered into the index. */
  readonly onCommitted: () => void;
}

/** Takes over the file of a spool at its end: into the store, to the partial bodies, or off the disk. */
export function createSpoolHome(deps: SpoolHomeDeps): SpoolHome {
  const { layout, catalog, files, outOfService, budget, partialBodies, trash, clock, logger, onCommitted } =
    deps;

  return {
    freeDisk: (bytes) => budget.freeDisk(bytes),
    keep: (path, reservation) => partialBodies.keep(path, reservation),
    remove,

    async commit(
      { digest, path, file, size, sums, reservation },
      { type, mediaType, repositoryId, forCaller, repaired },
    ) {
      const stored = catalog.get(digest);
      const open = files.get(digest);
      if (stored !== undefined && open !== undefined) {
        // Another fill has committed it meanwhile, and its file may have readers: the second copy is not needed.
        catalog.add({ ...stored, type, mediaType }, repositoryId, sums, forCaller);
        onCommitted();
        if (await remove(path)) reservation.release();
        return open;
      }
      // Replaces a file that was not verified yet, or is damaged.
      moveSync(path, layout.blob(digest));
      reservation.release();
      const row = { digest, size, type, mediaType, storedAt: clock.now() };
      catalog.add(row, repositoryId, sums, forCaller);
      outOfService.restore(digest, repaired === true);
      onCommitted();
      return files.add(catalog.get(digest) ?? row, file.retain(), sums);
    },
  };

  async function remove(path: string): Promise<boolean> {
    try {
      await removeSpool(trash, path);
      return true;
    } catch (error) {
      logger.warn('a partial body could not be removed', { error: errorText(error) });
      return false;
    }
  }
}
