import { isDigest, type Digest } from '../../oci/digest.ts';
import { parseJson } from '../../kit/json.ts';

/** Progress of the scrub, kept across restarts. Times are milliseconds since the epoch. */
export interface ScrubRecord {
  /** Last content that was checked; undefined before the first. */
  cursor: Digest | undefined;
  /** Content that is being read. */
  reading: Digest | undefined;
  /** Content whose read a restart has interrupted once. After a second time it waits for the next pass, so as not to hold up the rest. */
  interrupted: Digest | undefined;
  /** Start of the running pass, else of the last one; undefined before the first. */
  startedAt: number | undefined;
  /** End of the last complete pass. */
  finishedAt: number | undefined;
  /** True between the start of a pass and its end. */
  isRunning: boolean;
  /** Counts of the running pass, else of the last one. */
  checkedBytes: number;
  checkedObjects: number;
  damaged: number;
}

export function newScrubRecord(): ScrubRecord {
  return {
    cursor: undefined,
    reading: undefined,
    interrupted: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    isRunning: false,
    checkedBytes: 0,
    checkedObjects: 0,
    damaged: 0,
  };
}

/** Reads a text of {@link formatScrubRecord}. Anything else gives a new record, with which the next pass starts from the beginning. */
export function parseScrubRecord(text: string): ScrubRecord {
  const record = newScrubRecord();
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return record;
  const from = value as Record<string, unknown>;
  for (const name of ['cursor', 'reading', 'interrupted'] as const) {
    const found = from[name];
    if (typeof found === 'string' && isDigest(found)) record[name] = found;
  }
  for (const name of ['startedAt', 'finishedAt', 'checkedBytes', 'checkedObjects', 'damaged'] as const) {
    const found = from[name];
    if (Number.isSafeInteger(found) && (found as number) >= 0) record[name] = found as number;
  }
  record.isRunning = from['isRunning'] === true && record.startedAt !== undefined;
  return record;
}

export function formatScrubRecord(record: ScrubRecord): string {
  return `${JSON.stringify(record)}\n`;
}
