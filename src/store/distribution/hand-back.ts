import { existsSync } from 'node:fs';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText, isLarderError, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { layoutOf, pathsOf } from '../files/layout.ts';
import { lockStore } from '../files/lock.ts';
import { openDatabase } from '../index/database.ts';
import type { StoreMetrics } from '../metrics.ts';
import { distributionLayoutOf } from './distribution-layout.ts';
import { handBackFiles, type HandBackFiles } from './hand-back-files.ts';
import { HandBackIndex, type HandBackSource } from './hand-back-index.ts';
import { handOver, type Dropped } from './hand-over.ts';

export interface HandBackDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<StoreMetrics, 'storeHandedBack'>;
  readonly files?: HandBackFiles;
}

export interface HandBackOptions extends HandBackSource {
  readonly directory: string;
  /** Content expires this long after its last use; 0: never. */
  readonly ttlMs: number;
}

/** Progress of giving a store back to a registry of the Distribution project. */
export interface HandBackStats {
  /** `failed`: the work is tried again in a minute. */
  readonly state: 'running' | 'failed' | 'done';
  /** The reason of the last failure. */
  readonly error: string | undefined;
  /** Objects handed back or removed since the work began, and those that were there. */
  readonly objects: number;
  readonly totalObjects: number;
  /** Removed objects by reason. */
  readonly dropped: Readonly<Record<Dropped, number>>;
}

/** The work that gives a store back to a registry of the Distribution project. */
export interface HandBack {
  stats(): HandBackStats;
  /** Does the work, and tries again every minute while the disk fails. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Gives up the directory. */
  close(): void;
}

/** Time after which failed work is tried again. */
const RETRY_MS = 60_000;
/** Pages of the log of the index, which is only read. */
const WAL_PAGES = 16;

/**
 * Prepares to give the store in `directory` back to Distribution, in the layout of 2.8 and 3.1 (decision 0021). When the work has ended, nothing of
 * Larder is in the directory, and nothing is opened there any more. Throws `STORE_IN_USE` if another process has the store.
 */
export function createHandBack(deps: HandBackDeps, options: HandBackOptions): HandBack {
  const { clock, metrics, files = handBackFiles } = deps;
  const layout = layoutOf(options.directory);
  const logger = deps.logger.with({ store: layout.directory });
  const isThere = pathsOf(layout).some((path) => existsSync(path));
  let state: HandBackStats['state'] = 'running';
  let error: string | undefined;
  let counts = newCounts();
  let unlock: (() => void) | undefined;
  try {
    if (isThere) lock();
  } catch (failure) {
    // A directory that cannot be written is no reason not to pass pulls through.
    if (isLarderError(failure, 'STORE_IN_USE')) throw failure;
  }
  metrics.storeHandedBack.set(0);

  return {
    stats: () => ({ state, error, ...counts }),

    async run(signal) {
      while (state !== 'done') {
        try {
          if (isThere) await work(signal);
          done();
        } catch (failure) {
          if (signal.aborted) return;
          failed(failure);
          await sleep(clock, RETRY_MS, signal).catch(() => undefined);
          if (signal.aborted) return;
        }
      }
    },

    close() {
      unlock?.();
      unlock = undefined;
    },
  };

  function lock(): void {
    unlock ??= lockStore(layout.lock, layout.directory);
  }

  async function work(signal: AbortSignal): Promise<void> {
    lock();
    state = 'running';
    counts = newCounts();
    logger.info('handing the store back to Distribution', { event: 'hand-back-started' });
    await files.remove(layout.spool, signal);
    await files.remove(layout.quarantine, signal);
    await readIndex(async (index) => {
      counts.totalObjects = index.count();
      const common = { layout, distribution: distributionLayoutOf(layout.directory), index, files, logger };
      await handOver({ ...common, onObject: count }, options.ttlMs, signal);
    });
    for (const path of pathsOf(layout)) await files.remove(path, signal);
  }

  /** Opens the index for `use`. A store without an index has an empty one in memory. */
  async function readIndex(use: (index: HandBackIndex) => Promise<void>): Promise<void> {
    const hasIndex = existsSync(layout.index);
    const { database } = openDatabase(hasIndex ? layout.index : ':memory:', WAL_PAGES, logger);
    try {
      // An index that is damaged was replaced by an empty one. One that cannot be opened now may be whole.
      if (hasIndex && database.location() === null)
        throw new LarderError('STORE_UNAVAILABLE', `the index ${layout.index} cannot be opened`);
      await use(new HandBackIndex(database, options));
    } finally {
      database.close();
    }
  }

  function count(dropped?: Dropped): void {
    counts.objects += 1;
    if (dropped !== undefined) counts.dropped[dropped] += 1;
  }

  function done(): void {
    state = 'done';
    error = undefined;
    unlock?.();
    unlock = undefined;
    metrics.storeHandedBack.set(1);
    logger.info('the store is handed back to Distribution; nothing is stored', {
      event: 'hand-back-done',
      objects: counts.objects,
      ...counts.dropped,
    });
  }

  function failed(failure: unknown): void {
    state = 'failed';
    error = errorText(failure);
    logger.error('the store cannot be handed back; pulls go on, and it is tried again in a minute', {
      event: 'hand-back-failed',
      error,
    });
  }
}

function newCounts() {
  return { objects: 0, totalObjects: 0, dropped: { private: 0, unlinked: 0, damaged: 0 } };
}
