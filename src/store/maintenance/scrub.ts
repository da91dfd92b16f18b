import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { StoreMetrics } from '../metrics.ts';
import { pagesOf, type Inventory, type StoredContent } from '../index/inventory.ts';
import type { Ledger } from '../content/ledger.ts';
import { createPace } from './pace.ts';
import type { VerifyContent } from '../damage/verify-content.ts';
import { formatScrubRecord, newScrubRecord, parseScrubRecord, type ScrubRecord } from './scrub-record.ts';
import type { Documents } from '../types.ts';
import type { ScrubStats } from './maintenance.ts';

export interface ScrubDeps {
  readonly inventory: Pick<Inventory, 'after'>;
  readonly ledger: Pick<Ledger, 'contentOf' | 'objects'>;
  readonly verifyContent: VerifyContent;
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
  /** Shortest time in milliseconds from the start of a pass to the start of the next. */
  readonly everyMs: number;
  /** True while the program has other work. */
  readonly busy: () => boolean;
}

/** Reads all stored content again and again, so that bit rot is found before the content is requested. */
export interface Scrub {
  /** Continues where the last run of the program ended, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  stats(): ScrubStats;
}

const DOCUMENT = 'scrub.json';
/** Rows read from the index at a time. */
const PAGE = 64;
/** Milliseconds between two writes of the progress, each a sync of the disk. A crash costs this much of the work. */
const RECORD_EVERY_MS = 30_000;
/** Shortest time in milliseconds between two passes, and between two looks into an empty store. */
const REST_MS = 10_000;

export function createScrub(deps: ScrubDeps, { bytesPerSecond, everyMs, busy }: ScrubOptions): Scrub {
  const { inventory, ledger, verifyContent, documents, clock, logger, metrics } = deps;
  const pace = createPace(clock, { bytesPerSecond, busy });
  let record = newScrubRecord();
  /** Bytes read of the current content. */
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

  /** Waits until a pass is due and the store has content. */
  async function begin(signal: AbortSignal): Promise<void> {
    // After the clock was set back, it waits one interval at most.
    const since = clock.now() - (record.startedAt ?? 0);
    const early = since < 0 ? everyMs : everyMs - since;
    if (record.startedAt !== undefined && early > 0) await sleep(clock, early, signal);
    while (ledger.objects === 0) await sleep(clock, REST_MS, signal);
    const { finishedAt } = record;
    record = { ...newScrubRecord(), finishedAt, startedAt: clock.now(), isRunning: true };
    isWritten = false;
  }

  async function pass(signal: AbortSignal): Promise<void> {
    for (const page of pagesOf(inventory, PAGE, record.cursor)) {
      for (const content of page) await check(content, signal);
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
      const found = await verifyContent(digest, signal, async (bytes) => {
        await pace(bytes, signal);
        partBytes += bytes;
        metrics.scrubBytes.inc(bytes);
        showProgress();
        await writeSometimes();
      });
      if (found === 'damaged') {
        record.damaged += 1;
        metrics.scrubDamaged.inc();
      }
      if (found !== 'absent') record.checkedObjects += 1;
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
      logger.warn('scrub progress cannot be read; the scrub starts from the beginning', {
        error: errorText(error),
      });
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
      // On a full disk the next write may succeed. A restart repeats the work since the last one.
      isWritten = false;
      logger.debug('scrub progress could not be written', { error: errorText(error) });
    }
  }
}

/** Record after a restart: content whose read it has interrupted is read again, once. */
function resumed(record: ScrubRecord): ScrubRecord {
  const { reading, interrupted } = record;
  if (reading === undefined) return record;
  return reading === interrupted
    ? { ...record, cursor: reading, reading: undefined, interrupted: undefined }
    : { ...record, reading: undefined, interrupted: reading };
}
