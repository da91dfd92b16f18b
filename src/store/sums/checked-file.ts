import { fstatSync } from 'node:fs';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { CHUNK_BYTES, sumOf, type ChunkSums } from './chunk-sums.ts';
import { readChunks } from './read-chunks.ts';
import type { SharedFile } from '../files/shared-file.ts';

/** A checked chunk is trusted for at most this long, even without a sign of change: bit rot on a disk leaves none. */
const RECHECK_MS = 60_000;

/**
 * A check is remembered only if its read began this long after the beginning of its epoch. Two changes of a file within one tick of the
 * kernel's clock have the same change time. A tick is 1 to 10 ms (CONFIG_HZ), and shorter from Linux 6.13 on.
 */
const TICK_MS = 100;

export interface CheckedFileDeps {
  readonly clock: Clock;
  /** A count that rises when this process reads from a disk instead of the page cache. */
  readonly diskReads: () => number;
  /** Called when a read finds damage in `file`, before the read rejects. */
  readonly onDamage: (digest: Digest, file: SharedFile, why: string) => void;
}

/**
 * A file whose bytes are checked against the sums of their chunks before they are returned.
 *
 * A check costs a third of what sending costs. Its result is remembered for an epoch, in which the page cache can only have the same
 * bytes. An epoch ends when the file's change time (`ctime`, which no program can set back) or this process's count of disk reads
 * changes, and after a minute. The comparison costs 1 us and comes after the bytes were read.
 */
export class CheckedFile {
  readonly file: SharedFile;
  readonly digest: Digest;
  readonly size: number;
  readonly sums: ChunkSums;
  readonly #deps: CheckedFileDeps;
  /** One bit for each chunk that was found right in the current epoch. */
  readonly #right: Uint8Array;
  #epoch = 0;
  #epochSince = 0;
  #changedAt: number | undefined;
  #diskReads = 0;

  constructor(
    deps: CheckedFileDeps,
    file: SharedFile,
    content: { digest: Digest; size: number; sums: ChunkSums },
  ) {
    this.#deps = deps;
    this.file = file;
    this.digest = content.digest;
    this.size = content.size;
    this.sums = content.sums;
    this.#right = new Uint8Array(Math.ceil(content.sums.length / 8));
  }

  /**
   * Reads into `buffer` and returns the part of it that begins with the byte at `offset`: at least one byte, none at or after `end`. The
   * buffer must hold the chunk of `offset`. Throws `STORE_DAMAGED` if a byte of the chunks read is wrong or missing.
   */
  async read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    const epoch = this.#currentEpoch();
    const isPastTick = this.#deps.clock.monotonic() - this.#epochSince >= TICK_MS;
    const { bytes, start, missing } = await readChunks(this.file.fd, buffer, {
      offset,
      end,
      size: this.size,
    });
    if (missing !== undefined) throw this.#damaged(missing.at, errorText(missing.why));
    const isSameEpoch = this.#currentEpoch() === epoch;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = (start + at) / CHUNK_BYTES;
      if (isSameEpoch && this.#isRight(chunk)) continue;
      if (sumOf(bytes.subarray(at, at + CHUNK_BYTES)) !== this.sums[chunk])
        throw this.#damaged(start + at, 'its bytes are not those that were stored');
      if (isSameEpoch && isPastTick) this.#right[chunk >> 3] = this.#rightAround(chunk) | (1 << (chunk & 7));
    }
    return bytes.subarray(offset - start, Math.min(end, start + bytes.length) - start);
  }

  /** Number of the current epoch. Begins a new one if any byte may have changed. */
  #currentEpoch(): number {
    const { ctimeMs } = fstatSync(this.file.fd);
    const diskReads = this.#deps.diskReads();
    const now = this.#deps.clock.monotonic();
    const same = ctimeMs === this.#changedAt && diskReads === this.#diskReads;
    if (!same || now - this.#epochSince > RECHECK_MS) {
      this.#epoch += 1;
      this.#epochSince = now;
      this.#changedAt = ctimeMs;
      this.#diskReads = diskReads;
      this.#right.fill(0);
    }
    return this.#epoch;
  }

  #isRight(chunk: number): boolean {
    return (this.#rightAround(chunk) & (1 << (chunk & 7))) !== 0;
  }

  /** Bits of the group of eight chunks that includes this one. */
  #rightAround(chunk: number): number {
    return this.#right[chunk >> 3] ?? 0;
  }

  #damaged(at: number, why: string): LarderError {
    this.#deps.onDamage(this.digest, this.file, `at byte ${at}: ${why}`);
    return new LarderError('STORE_DAMAGED', `stored content ${this.digest} is damaged at byte ${at}: ${why}`);
  }
}
