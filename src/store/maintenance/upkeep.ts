import { untilAborted } from '../../kit/abort.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import type { Budget } from '../space/budget.ts';
import type { Catalog } from '../content/catalog.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { Evictor } from '../space/evictor.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { LastUse } from '../content/last-use.ts';
import type { Layout } from '../files/layout.ts';
import type { PartialBodies } from '../space/partial-bodies.ts';
import type { Ledger } from '../content/ledger.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Scrub } from './scrub.ts';
import type { UpstreamPolicy } from '../types.ts';
import { walkFiles } from '../content/walk.ts';

export interface UpkeepDeps {
  readonly layout: Layout;
  readonly database: IndexDatabase;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly ledger: Ledger;
  readonly budget: Budget;
  readonly evictor: Evictor;
  readonly partialBodies: PartialBodies;
  readonly lastUse: LastUse;
  readonly files: OpenFiles;
  /** Undefined: nothing is read but by those who ask for it. */
  readonly scrub: Pick<Scrub, 'run'> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The group that ends it, when nobody closes it before. */
  readonly tasks: TaskGroup;
}

/** The background work of a store. */
export interface Upkeep {
  /** Begins: the walk of the files, writing last use, closing idle files, removing what has expired, the scrub. */
  start(): void;
  /** Takes effect at once: content over a smaller budget or a shorter ttl goes now. */
  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void;
  /**
   * Resolves when the bytes on disk are known, which they are but for the first moments after the index was lost: nothing can
   * be promised then. Throws `STORE_FULL` when that takes longer than 2 s.
   */
  counted(): Promise<void>;
  /** Resolves when index and files agree, as far as the walk under way can see to it; rejects with the signal's reason. */
  walked(signal: AbortSignal): Promise<void>;
  /** Tells the ledger how large the index has become. */
  measureIndex(): void;
  /** Ends every job, and writes what was noted. */
  close(): Promise<void>;
}

/** Milliseconds between two writes of what was used. */
const FLUSH_INTERVAL_MS = 5_000;
/** Bounds of the time between two looks for content whose ttl has passed; a tenth of the shortest ttl in between. */
const SWEEP_INTERVAL_MS = { least: 1_000, most: 600_000 };
/** A file that nobody reads is closed after 10 to 20 s: the descriptors of a load are free again within 30 s. */
const IDLE_INTERVAL_MS = 10_000;
const TAG_LIMIT = 100_000;
/** What one transaction may add to the index before it is measured again; a sixteenth of a small limit. */
const INDEX_HEADROOM = 512 * 1024;
/** Milliseconds before room is made for the index again. */
const INDEX_RETRY_MS = 1_000;
/** How long a fill waits for the files to be counted. */
const COUNT_PATIENCE_MS = 2_000;

export function createUpkeep(deps: UpkeepDeps): Upkeep {
  const {
    layout,
    database,
    index,
    catalog,
    ledger,
    budget,
    evictor,
    partialBodies,
    lastUse,
    files,
    clock,
    logger,
  } = deps;
  const jobs = new TaskGroup(logger);
  const headroom = Math.min(INDEX_HEADROOM, Math.floor(ledger.limitBytes / 16));
  let policies: ReadonlyMap<string, UpstreamPolicy> = new Map();
  let policiesChanged = new AbortController();
  let counting: Promise<void> | undefined;
  let walking: Promise<void> = Promise.resolve();
  let makingRoom = false;

  return {
    start() {
      database.listen({ lost: () => startWalk(true), full: makeRoomForIndex });
      startWalk(database.isNew);
      jobs.run('write last use', flushLoop);
      jobs.run('remove expired content', sweepLoop);
      jobs.run('close idle files', idleLoop);
      const { scrub } = deps;
      if (scrub !== undefined) jobs.run('scrub', (signal) => walking.then(() => scrub.run(signal)));
      deps.tasks.run('store', untilClosed);
    },

    setPolicies(next) {
      policies = next;
      policiesChanged.abort();
      if (ledger.scopesOver().length > 0) jobs.run('trim', () => budget.trim());
    },

    async counted() {
      if (counting === undefined) return;
      const stop = new AbortController();
      const patience = sleep(clock, COUNT_PATIENCE_MS, stop.signal).catch(() => undefined);
      await Promise.race([counting, patience]);
      stop.abort();
      if (counting === undefined) return;
      throw new LarderError(
        'STORE_FULL',
        'the store counts its files because its index was lost; it stores nothing yet',
      );
    },

    walked: (signal) => untilAborted(walking, signal),

    measureIndex,

    async close() {
      await jobs.close();
      await lastUse.flush();
    },
  };

  function measureIndex(): void {
    ledger.setIndex(database.diskBytes() + headroom);
  }

  function startWalk(indexLost: boolean): void {
    jobs.run('walk of the files', (signal) => {
      const running = walk(indexLost, signal);
      walking = running.catch(() => undefined);
      if (indexLost) counting = walking;
      return running;
    });
  }

  async function walk(indexLost: boolean, signal: AbortSignal): Promise<void> {
    // The damage may have been found in the middle of a change: let that end first.
    await Promise.resolve();
    if (indexLost) catalog.recount();
    const { added, removed } = await walkFiles({ layout, index, catalog }, signal);
    counting = undefined;
    measureIndex();
    if (added + removed > 0) logger.info('the index was brought in line with the files', { added, removed });
    await budget.trim();
  }

  /** The index must be able to say what can be evicted: room for it comes first, then it is told what it has missed. */
  function makeRoomForIndex(): void {
    if (makingRoom) return;
    makingRoom = true;
    jobs.run('make room for the index', async (signal) => {
      await Promise.resolve();
      await budget.relieve(INDEX_HEADROOM);
      catalog.saveAgain();
      await walkFiles({ layout, index, catalog }, signal);
      catalog.recount();
      await waited(INDEX_RETRY_MS, signal);
      makingRoom = false;
    });
  }

  async function flushLoop(signal: AbortSignal): Promise<void> {
    while (await waited(FLUSH_INTERVAL_MS, signal)) {
      await lastUse.flush();
      catalog.saveAgain();
      measureIndex();
    }
  }

  async function sweepLoop(signal: AbortSignal): Promise<void> {
    for (;;) {
      policiesChanged = new AbortController();
      await waited(sweepInterval(policies), AbortSignal.any([signal, policiesChanged.signal]));
      if (signal.aborted) return;
      await evictor.expire(policies, signal);
      await partialBodies.expire();
      index.tags.trim(TAG_LIMIT);
      await budget.trim();
    }
  }

  async function idleLoop(signal: AbortSignal): Promise<void> {
    while (await waited(IDLE_INTERVAL_MS, signal)) files.closeIdle();
  }

  async function untilClosed(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, jobs.signal]);
    if (!ended.aborted) {
      await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
    }
    await jobs.close();
  }

  /** False when the signal aborts. */
  async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
    return sleep(clock, ms, signal).then(
      () => true,
      () => false,
    );
  }
}

function sweepInterval(policies: ReadonlyMap<string, UpstreamPolicy>): number {
  const ttls = [...policies.values()].map(({ ttlMs }) => ttlMs).filter((ttlMs) => ttlMs > 0);
  const { least, most } = SWEEP_INTERVAL_MS;
  return Math.min(most, Math.max(least, Math.min(...ttls, most * 10) / 10));
}
