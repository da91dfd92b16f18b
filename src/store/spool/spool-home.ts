import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Budget } from '../space/budget.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Damage } from '../damage/damage.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { SpoolHome } from './spool-file.ts';
import { removeSpool } from '../sums/sum-log.ts';
import { moveSync, type Trash } from '../files/trash.ts';

export interface SpoolHomeDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly damage: Damage;
  readonly budget: Budget;
  readonly partialBodies: PartialBodies;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after each body that was entered into the index. */
  readonly onSettled: () => void;
}

/** Where bodies go from the spool: into the store, to the partialBodies, or off the disk. */
export function createSpoolHome(deps: SpoolHomeDeps): SpoolHome {
  const { layout, catalog, files, damage, budget, partialBodies, trash, clock, logger, onSettled } = deps;

  return {
    relieve: (bytes) => budget.relieve(bytes),
    keep: (path, reservation) => partialBodies.keep(path, reservation),
    remove,

    async settle({ digest, path, file, size, sums, reservation }, { type, mediaType, origin, mended }) {
      const stored = catalog.get(digest);
      const proven = files.get(digest);
      if (stored !== undefined && proven !== undefined) {
        // It came from elsewhere meanwhile, and may have readers: the second copy is not needed.
        catalog.add({ ...stored, type, mediaType }, origin, sums);
        onSettled();
        if (await remove(path)) reservation.release();
        return proven;
      }
      // A file that is there and was not proven by now is replaced by the one that was.
      moveSync(path, layout.blob(digest));
      reservation.release();
      const row = { digest, size, type, mediaType, storedAt: clock.now() };
      catalog.add(row, origin, sums);
      damage.healed(digest, mended === true);
      onSettled();
      return files.add(catalog.get(digest) ?? row, file.retain(), sums);
    },
  };

  async function remove(path: string): Promise<boolean> {
    try {
      await removeSpool(trash, path);
      return true;
    } catch (error) {
      logger.warn('the beginning of a body could not be removed', { error: errorText(error) });
      return false;
    }
  }
}
