import { untilAborted } from '../../kit/abort.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { removeAdopted, type Adoption } from '../distribution/adoption.ts';
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
  /** Undefined: content is read on request only. */
  readonly scrub: Pick<Scrub, 'run'> | undefined;
  /** Undefined: there is nothing to adopt. */
  readonly adoption: Pick<Adoption, 'count' | 'run'> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the background work unless {@link Upkeep.close} does so earlier. */
  readonly tasks: TaskGroup;
}

/** The background work of a store. */
export interface Upkeep {
  /** Starts the jobs: walk of the files, adoption, write of last uses, close of idle files, removal of expired content, scrub. */
  start(): void;
  /** Takes effect at once: content above a smaller budget or a shorter ttl is removed now. */
  setPolicies(policies: ReadonlyMap<string, UpstreamPolicy>): void;
  /**
   * Resolves once usage is known. Only after a lost index, and at the start of an adoption, is it unknown, for moments, and no space can be
   * reserved. Throws `STORE_FULL` if that takes longer than 2 s.
   */
  whenCounted(): Promise<void>;
  /** Resolves after the running walk, which makes index and files agree, and the adoption. Rejects with the signal's reason. */
  whenWalked(signal: AbortSignal): Promise<void>;
  /** Updates the size of the index in the ledger. */
  measureIndex(): void;
  /** Ends every job, and writes the noted uses. */
  close(): Promise<void>;
}

/** Milliseconds between two writes of last uses. */
const FLUSH_INTERVAL_MS = 5_000;
/** Bounds of the time between two removals of expired content. Between them it is a tenth of the shortest ttl. */
const SWEEP_INTERVAL_MS = { least: 1_000, most: 600_000 };
/** A file without a reader is closed after 10 to 20 s, so that the descriptors of a peak are free within 30 s. */
const IDLE_INTERVAL_MS = 10_000;
const TAG_LIMIT = 100_000;
/** Bytes that the index may grow by before it is measured again; a sixteenth of a small limit. */
const INDEX_HEADROOM = 512 * 1024;
/** Pause in milliseconds after room was made for the index. */
const INDEX_RETRY_MS = 1_000;
/** A fill waits this long for the files to be counted. */
const COUNT_WAIT_MS = 2_000;

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
  /** Counts of files under way. */
  const counts = new Set<Promise<void>>();
  let walking: Promise<void> = Promise.resolve();
  let makingRoom = false;

  return {
    start() {
      database.listen({ lost: () => startWalk(true), full: makeRoomForIndex });
      startWalk(database.isNew);
      startAdoption();
      jobs.run('removal of an adopted registry', (signal) =>
        walking.then(() => removeAdopted(layout, signal)),
      );
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

    async whenCounted() {
      if (counts.size === 0) return;
      const stop = new AbortController();
      const timeout = sleep(clock, COUNT_WAIT_MS, stop.signal).catch(() => undefined);
      await Promise.race([Promise.all(counts), timeout]);
      stop.abort();
      if (counts.size > 0)
        throw new LarderError('STORE_FULL', 'the store counts its files; it cannot store content yet');
    },

    whenWalked: (signal) => untilAborted(walking, signal),

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
    startOrdering('walk of the files', async (signal) => {
      const walked = walk(indexLost, signal);
      if (indexLost) noteCount(walked);
      await walked;
      await budget.trim();
    });
  }

  async function walk(indexLost: boolean, signal: AbortSignal): Promise<void> {
    // The damage may have been found in the middle of a change, which must end first.
    await Promise.resolve();
    if (indexLost) catalog.recount();
    const { added, removed } = await walkFiles({ layout, index, catalog }, signal);
    measureIndex();
    if (added + removed > 0) logger.info('store index synchronized with the files', { added, removed });
  }

  /** A file that the walk finds without a row may be one that an interrupted adoption has moved, so the walk goes first. */
  function startAdoption(): void {
    const { adoption } = deps;
    if (adoption === undefined) return;
    const walked = walking;
    startOrdering('adoption of a Distribution registry', async (signal) => {
      const counted = walked.then(() => adoption.count(signal));
      noteCount(counted);
      await counted;
      await adoption.run(signal);
      measureIndex();
      await budget.trim();
    });
  }

  /** Starts a job that {@link Upkeep.whenWalked} waits for. */
  function startOrdering(name: string, job: (signal: AbortSignal) => Promise<void>): void {
    jobs.run(name, (signal) => {
      const running = job(signal);
      walking = Promise.allSettled([walking, running]).then(() => undefined);
      return running;
    });
  }

  function noteCount(count: Promise<void>): void {
    const ended = count.catch(() => undefined);
    counts.add(ended);
    void ended.then(() => counts.delete(ended));
  }

  /** The index has to list what can be evicted, so it gets room first, then the rows that it missed. */
  function makeRoomForIndex(): void {
    if (makingRoom) return;
    makingRoom = true;
    jobs.run('make room for the index', async (signal) => {
      await Promise.resolve();
      await budget.freeDisk(INDEX_HEADROOM);
      catalog.retryUnsaved();
      await walkFiles({ layout, index, catalog }, signal);
      catalog.recount();
      await waited(INDEX_RETRY_MS, signal);
      makingRoom = false;
    });
  }

  async function flushLoop(signal: AbortSignal): Promise<void> {
    while (await waited(FLUSH_INTERVAL_MS, signal)) {
      await lastUse.flush();
      catalog.retryUnsaved();
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

  /** Waits `ms`. False if the signal aborts. */
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
