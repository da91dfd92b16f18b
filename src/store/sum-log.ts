import { closeSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { CHUNK_BYTES, chunkStart, type SumRecord } from './chunk-sums.ts';
import { openFile, readAt, writeAll } from './disk.ts';
import { sumLogPath } from './layout.ts';
import type { Trash } from './trash.ts';

/** A record on disk: the end as a double, the sum as an unsigned integer, both little-endian. */
const RECORD_BYTES = 12;

/**
 * The sums of a spool, in a file beside it, so that after a crash only those of its bytes are used that are the ones which came: a
 * process that was killed leaves all of them, a power cut any mixture of them with zeros. Nothing is synced; a record that is not
 * there, or does not fit, costs the download of what it stood for. A log that cannot be written costs the same and fails nothing.
 */
export class SumLog {
  readonly #fd: number;
  #length: number;
  #usable = true;

  constructor(fd: number, length: number) {
    this.#fd = fd;
    this.#length = length;
  }

  /** Never rejects. */
  async append(records: readonly SumRecord[]): Promise<void> {
    const bytes = Buffer.alloc(records.length * RECORD_BYTES);
    for (const [at, { end, sum }] of records.entries()) {
      bytes.writeDoubleLE(end, at * RECORD_BYTES);
      bytes.writeUInt32LE(sum, at * RECORD_BYTES + 8);
    }
    try {
      if (this.#usable) await writeAll(this.#fd, [bytes], this.#length);
      this.#length += bytes.length;
    } catch {
      this.#usable = false;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/**
 * Opens the log of the spool at `path`, of whose `length` bytes so far all count; 0 begins a new one. Undefined when that is not
 * possible: the spool goes on without.
 */
export async function openSumLog(path: string, length: number): Promise<SumLog | undefined> {
  const flags = constants.O_WRONLY | constants.O_CREAT | (length === 0 ? constants.O_TRUNC : 0);
  const fd = await openFile(sumLogPath(path), flags).catch(() => undefined);
  return fd === undefined ? undefined : new SumLog(fd, length);
}

/**
 * Reads the spool at `path` as far as its log vouches for it, `size` bytes at most, and gives the bytes to `take` in order; a buffer
 * belongs to it only during the call. Gives the length of the part of the log that fits.
 */
export async function readProven(
  path: string,
  fd: number,
  size: number,
  take: (bytes: Buffer) => void,
): Promise<number> {
  const records = await readFile(sumLogPath(path)).catch(() => Buffer.alloc(0));
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let offset = 0;
  let sum = 0;
  let at = 0;
  for (; at + RECORD_BYTES <= records.length; at += RECORD_BYTES) {
    const end = records.readDoubleLE(at);
    if (!(end > offset && end <= Math.min(size, chunkStart(offset) + CHUNK_BYTES))) break;
    const bytes = buffer.subarray(0, end - offset);
    if ((await readAt(fd, bytes, offset)) < bytes.length) break;
    sum = crc32(bytes, sum);
    if (sum !== records.readUInt32LE(at + 8)) break;
    take(bytes);
    offset = end;
    if (offset % CHUNK_BYTES === 0) sum = 0;
  }
  return at;
}

/** Removes a spool and its log. */
export async function removeSpool(trash: Trash, path: string): Promise<void> {
  await Promise.all([trash.remove(path), trash.remove(sumLogPath(path))]);
}
