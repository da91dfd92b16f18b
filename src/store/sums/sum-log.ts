import { closeSync, constants, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { sleep, type Clock } from '../../kit/clock.ts';
import { CHUNK_BYTES, sumOf, type SumRecord } from './chunk-sums.ts';
import { openFile, readAt, writeAll } from '../files/disk.ts';
import { sumLogPath } from '../files/layout.ts';
import type { Trash } from '../files/trash.ts';

/** Bytes of a record on disk, one for each chunk: the end as a double, the sum as an unsigned integer, both little-endian. */
const RECORD_BYTES = 16;

/** Milliseconds between two writes of one log. Bytes in between are downloaded again if the process is killed. */
const PAUSE_MS = 20;

/**
 * Sums of a spool, in a file beside it. After a crash, only bytes of the spool that match their record are used: a killed process leaves all
 * but the last bytes, a power cut any mixture of them with zeros. Nothing is synced. A record that is missing or does not match costs the
 * download of its chunk. A log that cannot be written costs the same and fails nothing.
 */
export class SumLog {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #fd: number;
  /** Records that are not written yet, one for each chunk. */
  #pending: SumRecord[] = [];
  #writing: Promise<void> | undefined;
  readonly #ended = new AbortController();
  #isComplete = true;

  constructor(clock: Clock, path: string, fd: number) {
    this.#clock = clock;
    this.#path = path;
    this.#fd = fd;
  }

  /** False once a record could not be written. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Queues the next records for writing. A record replaces the last one if that was of an incomplete chunk. */
  append(records: readonly SumRecord[]): void {
    if (records.length === 0) return;
    const last = this.#pending.at(-1);
    if (last !== undefined && last.end % CHUNK_BYTES > 0) this.#pending.pop();
    this.#pending.push(...records);
    this.#writing ??= this.#write();
  }

  /** Writes pending records and closes the file. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#writing;
    // Closing during a write could let that write hit another file with the same descriptor number.
    closeSync(this.#fd);
  }

  /** Closes the file and removes it. */
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
        // Set without an await: the next `append` must start a new write.
        this.#writing = undefined;
        return;
      }
      this.#pending = [];
      const at = sumLogBytes(first.end) - RECORD_BYTES;
      await writeAll(this.#fd, [encode(records)], at).catch(() => (this.#isComplete = false));
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

/** Size of the log of a spool of `size` bytes. */
export function sumLogBytes(size: number): number {
  return Math.ceil(size / CHUNK_BYTES) * RECORD_BYTES;
}

/** Opens the log of the spool at `path`. Undefined if that fails: the spool goes on without a log. */
export async function openSumLog(clock: Clock, path: string): Promise<SumLog | undefined> {
  const flags = constants.O_WRONLY | constants.O_CREAT;
  const fd = await openFile(sumLogPath(path), flags).catch(() => undefined);
  return fd === undefined ? undefined : new SumLog(clock, sumLogPath(path), fd);
}

/**
 * Reads the spool at `path` as far as its log vouches for it, at most `size` bytes, and passes the bytes to `take` in order. `take` may use
 * its buffer only during the call.
 */
export async function readLogged(
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
