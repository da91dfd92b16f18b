import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Inventory, StoredContent } from '../index/inventory.ts';
import type { Ledger } from '../content/ledger.ts';
import { createPace } from './pace.ts';
import type { Prove } from '../damage/prove.ts';
import { formatScrubRecord, newScrubRecord, parseScrubRecord, type ScrubRecord } from './scrub-record.ts';
import type { Documents } from '../types.ts';

export interface ScrubDeps {
  readonly inventory: Pick<Inventory, 'after'>;
  readonly ledger: Pick<Ledger, 'contentOf' | 'objects'>;
  readonly prove: Prove;
  readonly documents: Documents;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<
    StoreMetrics,
    'scrubProgress' | 'scrubBytes' | 'scrubDamaged' | 'scrubLastCompletion'
  >;
}

export interface ScrubOptions {
  readonly bytesPerSecond: number;
  /** Milliseconds from the beginning of a pass to that of the next, at least. */
  readonly everyMs: number;
  /** True while the program has other work. */
  readonly busy: () => boolean;
}

/** What the scrub says of itself; times are milliseconds since the epoch. */
export interface ScrubStats {
  readonly bytesPerSecond: number;
  /** True while a pass is under way, false while it rests. */
  readonly isRunning: boolean;
  /** Of the pass under way, else of the last one. */
  readonly startedAt: number | null;
  readonly checkedBytes: number;
  readonly checkedObjects: number;
  readonly totalBytes: number;
  readonly damaged: number;
  /** When the last whole pass ended. */
  readonly finishedAt: number | null;
}

/** Reads all stored content again and again, so that what rots on the disk is found before somebody asks for it. */
export interface Scrub {
  /** Goes on where the last run of the program ended, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  stats(): ScrubStats;
}

const DOCUMENT = 'scrub.json';
/** Rows read from the index at a time. */
const PAGE = 64;
/** Milliseconds between two writes of how far it is, each a sync of the disk; a crash costs so much of the work. */
export const RECORD_EVERY_MS = 30_000;
/** Milliseconds between the end of a pass and the next, however little there is; an empty store is looked at so often. */
export const REST_MS = 10_000;

export function createScrub(deps: ScrubDeps, { bytesPerSecond, everyMs, busy }: ScrubOptions): Scrub {
  const { inventory, ledger, prove, documents, clock, logger, metrics } = deps;
  const pace = createPace(clock, { bytesPerSecond, busy });
  let record = newScrubRecord();
  /** Bytes of the content that is being read. */
  let partBytes = 0;
  let writtenAt = -Infinity;
  let isWritten = true;

  return {
    async run(signal) {
      record = await load();
      showProgress();
      metrics.scrubLastCompletion.set((record.finishedAt ?? 0) / 1000);
      try {
        for (;;) {
          if (!record.isRunning) await begin(signal);
          await pass(signal);
          await sleep(clock, REST_MS, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        if (!isWritten) await write();
      }
    },

    stats: () => ({
      bytesPerSecond,
      isRunning: record.isRunning,
      startedAt: record.startedAt ?? null,
      checkedBytes: record.checkedBytes + partBytes,
      checkedObjects: record.checkedObjects,
      totalBytes: totalBytes(),
      damaged: record.damaged,
      finishedAt: record.finishedAt ?? null,
    }),
  };

  /** Waits until a pass is due and there is something to look at. */
  async function begin(signal: AbortSignal): Promise<void> {
    // A clock that was set back makes it wait no longer than once more.
    const since = clock.now() - (record.startedAt ?? 0);
    const early = since < 0 ? everyMs : everyMs - since;
    if (record.startedAt !== undefined && early > 0) await sleep(clock, early, signal);
    while (ledger.objects === 0) await sleep(clock, REST_MS, signal);
    const { finishedAt } = record;
    record = { ...newScrubRecord(), finishedAt, startedAt: clock.now(), isRunning: true };
    isWritten = false;
  }

  async function pass(signal: AbortSignal): Promise<void> {
    let page = inventory.after(record.cursor, PAGE);
    while (page.length > 0) {
      for (const content of page) await check(content, signal);
      page = inventory.after(record.cursor, PAGE);
    }
    record.isRunning = false;
    record.finishedAt = clock.now();
    isWritten = false;
    showProgress();
    metrics.scrubLastCompletion.set(record.finishedAt / 1000);
    logger.info('all stored content was checked', {
      event: 'scrub-finished',
      objects: record.checkedObjects,
      bytes: record.checkedBytes,
      damaged: record.damaged,
      seconds: Math.round((record.finishedAt - (record.startedAt ?? record.finishedAt)) / 1000),
    });
    await writeSometimes();
  }

  async function check({ digest }: StoredContent, signal: AbortSignal): Promise<void> {
    record.reading = digest;
    isWritten = false;
    try {
      const proof = await prove(digest, signal, async (bytes) => {
        await pace(bytes, signal);
        partBytes += bytes;
        metrics.scrubBytes.inc(bytes);
        showProgress();
        await writeSometimes();
      });
      if (proof === 'damaged') {
        record.damaged += 1;
        metrics.scrubDamaged.inc();
      }
      if (proof !== 'absent') record.checkedObjects += 1;
      record.checkedBytes += partBytes;
    } catch (error) {
      signal.throwIfAborted();
      logger.warn('stored content could not be checked', { digest, error: errorText(error) });
    } finally {
      partBytes = 0;
    }
    record.cursor = digest;
    record.reading = undefined;
    record.interrupted = undefined;
    await writeSometimes();
  }

  function totalBytes(): number {
    return ledger.contentOf(undefined);
  }

  function showProgress(): void {
    const total = totalBytes();
    const checked = record.checkedBytes + partBytes;
    const isDone = !record.isRunning && record.finishedAt !== undefined;
    metrics.scrubProgress.set(isDone ? 1 : total === 0 ? 0 : Math.min(1, checked / total));
  }

  async function load(): Promise<ScrubRecord> {
    try {
      const found = await documents.readDocument(DOCUMENT);
      return resumed(found === undefined ? newScrubRecord() : parseScrubRecord(found.toString('utf8')));
    } catch (error) {
      logger.warn('how far the scrub was cannot be read: it begins again', { error: errorText(error) });
      return newScrubRecord();
    }
  }

  async function writeSometimes(): Promise<void> {
    if (!isWritten && clock.monotonic() - writtenAt >= RECORD_EVERY_MS) await write();
  }

  async function write(): Promise<void> {
    writtenAt = clock.monotonic();
    isWritten = true;
    try {
      await documents.writeDocument(DOCUMENT, Buffer.from(formatScrubRecord(record)));
    } catch (error) {
      // A full disk: it is written later, and a restart repeats what is not.
      isWritten = false;
      logger.debug('how far the scrub is could not be written', { error: errorText(error) });
    }
  }
}

/** What is to be done after a restart: what it has interrupted is read again, once. */
export function resumed(record: ScrubRecord): ScrubRecord {
  const { reading, interrupted } = record;
  if (reading === undefined) return record;
  return reading === interrupted
    ? { ...record, cursor: reading, reading: undefined, interrupted: undefined }
    : { ...record, reading: undefined, interrupted: reading };
}
