import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { sleep, type Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Budget } from '../space/budget.ts';
import { walkFiles } from '../content/walk.ts';
import { adoptBlobs, type SweepDeps } from './adopt-blobs.ts';
import { adoptRepositories } from './adopt-repositories.ts';
import { distributionLayoutOf } from './distribution-layout.ts';
import { removeTree } from '../files/entries.ts';
import { PendingBytes } from './pending-bytes.ts';
import { Progress } from './progress.ts';
import type { Slices } from './slices.ts';
import { Unadopted, type AdoptedUpstream } from './unadopted.ts';

export interface AdoptionDeps {
  readonly layout: Layout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly budget: Pick<Budget, 'adopt'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/**
 * The adoption of a Distribution registry in proxy mode, so that a switch to Larder keeps the cache warm. Everything there can be
 * requested from the beginning: one blob, link or tag is taken over when it is requested, and the rest in the background. Files are
 * renamed, never copied. After a crash at any point the next start goes on. Blobs are hashed when they are first read.
 */
export interface Adoption {
  /** The part that is not adopted yet; undefined once there is nothing. */
  readonly unadopted: Unadopted | undefined;
  /** Counts the bytes that are not adopted yet. Content must not be stored before, or the limits would not hold. */
  count(signal: AbortSignal): Promise<void>;
  /** Takes everything over, and puts the registry's folder aside for {@link removeAdopted}. */
  run(signal: AbortSignal): Promise<void>;
}

/** Bounds of the pause in milliseconds after a pass that could not adopt everything, for example on a full disk. */
const RETRY_MS = { first: 10_000, most: 600_000 };

/**
 * Prepares the adoption of the registry in the store's directory; undefined if there is none. `from` is the source of all content there.
 * Throws `STORE_ADOPTION_AMBIGUOUS` if it is `'ambiguous'` and there is a registry.
 */
export function createAdoption(
  deps: AdoptionDeps,
  from: AdoptedUpstream | 'ambiguous',
): Adoption | undefined {
  const { layout, index, catalog, clock, metrics } = deps;
  const distribution = distributionLayoutOf(layout.directory);
  if (!existsSync(distribution.root)) return undefined;
  if (from === 'ambiguous') throw ambiguous(layout.directory, distribution.top);
  const { upstream } = from;
  const logger = deps.logger.with({ upstream });
  const reservation = deps.budget.adopt(upstream, 0);
  const pending = new PendingBytes({ distribution, reservation, metrics });
  let unadopted: Unadopted | undefined = new Unadopted({ ...deps, distribution, pending, logger }, from);
  catalog.unadopted = unadopted;

  return {
    get unadopted() {
      return unadopted;
    },

    async count(signal) {
      const blobs = await pending.count({ clock, signal });
      logger.info('adopting the content of a Distribution registry', { blobs, bytes: pending.bytes });
    },

    async run(signal) {
      if (unadopted === undefined) return;
      const progress = new Progress(clock, logger);
      await adoptAll({ ...deps, distribution, unadopted, progress }, { clock, signal });
      await rm(distribution.schedulerState, { force: true });
      await removeAdopted(layout, signal);
      await rename(distribution.top, layout.adopted);
      pending.release();
      catalog.unadopted = undefined;
      unadopted = undefined;
      logger.info('adopted the content of a Distribution registry', progress.counts);
    },
  };

  async function adoptAll(sweep: SweepDeps, slices: Slices): Promise<void> {
    const { signal } = slices;
    for (let pauseMs = RETRY_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS.most)) {
      await adoptBlobs(sweep, slices);
      await adoptRepositories(sweep, slices);
      // The registry's links are removed next, so a power cut must not lose the rows.
      if (sweep.progress.failed === 0 && !index.sync())
        sweep.progress.fail(new Error('the index is not on the disk'));
      const { failed, error } = sweep.progress;
      if (failed === 0) return;
      logger.warn('a part of the Distribution registry cannot be adopted yet', {
        failed,
        ...(error !== undefined && { error }),
      });
      await sleep(clock, pauseMs, signal);
      sweep.progress.again();
      // Memory may have rows that could not be written.
      catalog.recount();
      await walkFiles({ layout, index, catalog }, signal);
    }
  }
}

/**
 * Removes what an adoption in the store's directory has left: many small files, which take long. The folder has another name by then, so that
 * after a crash the next start does not adopt a part of it again.
 */
export async function removeAdopted({ adopted }: Layout, signal: AbortSignal): Promise<void> {
  await removeTree(adopted, signal);
}

function ambiguous(directory: string, top: string): LarderError {
  return new LarderError(
    'STORE_ADOPTION_AMBIGUOUS',
    `store ${directory} holds the content of a Distribution registry, which came from one upstream, but several caches are configured`,
    {
      hint: `start once with only that upstream's cache configured, give this store another directory, or remove ${top}`,
    },
  );
}
