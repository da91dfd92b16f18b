import { isDigest, type Digest } from '../../oci/digest.ts';
import { parseJson } from '../../kit/json.ts';

/** How far the scrub is: what it keeps across restarts. Times are milliseconds since the epoch. */
export interface ScrubRecord {
  /** The last content that was looked at; undefined before the first. */
  cursor: Digest | undefined;
  /** What is being read. */
  reading: Digest | undefined;
  /** What a restart has interrupted once: what is interrupted twice is left to the next pass, so that nothing holds up the rest. */
  interrupted: Digest | undefined;
  /** Of the pass under way, else of the last one; undefined before the first. */
  startedAt: number | undefined;
  /** When the last whole pass ended. */
  finishedAt: number | undefined;
  /** True between the start of a pass and its end. */
  isRunning: boolean;
  /** Of the pass under way, else of the last one. */
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

/** Reads what {@link formatScrubRecord} wrote. Anything else counts as nothing: the next pass begins at the beginning. */
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
