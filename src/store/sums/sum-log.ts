import { closeSync, constants, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { sleep, type Clock } from '../../kit/clock.ts';
import { CHUNK_BYTES, sumOf, type SumRecord } from './chunk-sums.ts';
import { openFile, readAt, writeAll } from '../files/disk.ts';
import { sumLogPath } from '../files/layout.ts';
import type { Trash } from '../files/trash.ts';

/** A record on disk: the end as a double, the sum as an unsigned integer, both little-endian. One for each chunk. */
const RECORD_BYTES = 16;

/** Milliseconds between two writes of one log: what came in between costs a download when the process is killed. */
const PAUSE_MS = 20;

/**
 * The sums of a spool, in a file beside it, so that after a crash only those of its bytes are used that are the ones which came: a
 * process that was killed leaves all but the last of them, a power cut any mixture of them with zeros. Nothing is synced; a record that
 * is not there, or does not fit, costs the download of what it stood for. A log that cannot be written costs the same and fails nothing.
 */
export class SumLog {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #fd: number;
  /** Not written yet, one for each chunk. */
  #pending: SumRecord[] = [];
  #writing: Promise<void> | undefined;
  readonly #ended = new AbortController();
  #isWhole = true;

  constructor(clock: Clock, path: string, fd: number) {
    this.#clock = clock;
    this.#path = path;
    this.#fd = fd;
  }

  /** False once a record could not be written. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Takes records that follow one another; one of a chunk that was not complete takes the place of the last. Written soon. */
  append(records: readonly SumRecord[]): void {
    if (records.length === 0) return;
    const last = this.#pending.at(-1);
    if (last !== undefined && last.end % CHUNK_BYTES > 0) this.#pending.pop();
    this.#pending.push(...records);
    this.#writing ??= this.#write();
  }

  /** Writes what is pending. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#writing;
    // A descriptor with a write under way would be another file's by the time it is written to.
    closeSync(this.#fd);
  }

  /** Closes it and takes it off the disk. */
  async remove(): Promise<void> {
    this.#pending = [];
    await this.close();
    rmSync(this.#path, { force: true });
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    for (;;) {
      const records = this.#pending;
      const [first] = records;
      if (first === undefined) {
        // At once: what is appended a moment later begins to be written by itself.
        this.#writing = undefined;
        return;
      }
      this.#pending = [];
      const at = sumLogBytes(first.end) - RECORD_BYTES;
      await writeAll(this.#fd, [encode(records)], at).catch(() => (this.#isWhole = false));
      await sleep(this.#clock, PAUSE_MS, this.#ended.signal).catch(() => {});
    }
  }
}

function encode(records: readonly SumRecord[]): Buffer {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES);
  for (const [at, { end, sum }] of records.entries()) {
    bytes.writeDoubleLE(end, at * RECORD_BYTES);
    bytes.writeBigUInt64LE(sum, at * RECORD_BYTES + 8);
  }
  return bytes;
}

/** The size of the log of a spool with so many bytes. */
export function sumLogBytes(size: number): number {
  return Math.ceil(size / CHUNK_BYTES) * RECORD_BYTES;
}

/** Opens the log of the spool at `path`. Undefined when that is not possible: the spool goes on without. */
export async function openSumLog(clock: Clock, path: string): Promise<SumLog | undefined> {
  const flags = constants.O_WRONLY | constants.O_CREAT;
  const fd = await openFile(sumLogPath(path), flags).catch(() => undefined);
  return fd === undefined ? undefined : new SumLog(clock, sumLogPath(path), fd);
}

/**
 * Reads the spool at `path` as far as its log vouches for it, `size` bytes at most, and gives the bytes to `take` in order; a buffer
 * belongs to it only during the call.
 */
export async function readProven(
  path: string,
  fd: number,
  size: number,
  take: (bytes: Buffer) => void,
): Promise<void> {
  const records = await readFile(sumLogPath(path)).catch(() => Buffer.alloc(0));
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let at = 0, start = 0; at + RECORD_BYTES <= records.length; at += RECORD_BYTES, start += CHUNK_BYTES) {
    const end = records.readDoubleLE(at);
    if (!(end > start && end <= Math.min(size, start + CHUNK_BYTES))) return;
    const bytes = buffer.subarray(0, end - start);
    if ((await readAt(fd, bytes, start)) < bytes.length) return;
    if (sumOf(bytes) !== records.readBigUInt64LE(at + 8)) return;
    take(bytes);
    if (bytes.length < CHUNK_BYTES) return;
  }
}

/** Removes a spool and its log. */
export async function removeSpool(trash: Trash, path: string): Promise<void> {
  await Promise.all([trash.remove(path), trash.remove(sumLogPath(path))]);
}
