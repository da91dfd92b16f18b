import { fstatSync } from 'node:fs';
import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { CHUNK_BYTES, sumOf, type ChunkSums } from './chunk-sums.ts';
import { readChunks } from './read-chunks.ts';
import type { SharedFile } from '../files/shared-file.ts';

/**
 * A chunk that was right is not looked at again for this long, while nothing says that it may have changed: bits that rot on a
 * disk say nothing.
 */
const RECHECK_MS = 60_000;

/**
 * Two changes of a file within one tick of the kernel's clock have one change time: what was read before so much time had passed
 * since a look counts as right only this once. A tick is 1 to 10 ms (CONFIG_HZ), finer from Linux 6.13 on.
 */
const TICK_MS = 100;

export interface CheckedFileDeps {
  readonly clock: Clock;
  /** A count that rises when this process reads from a disk, in place of the page cache. */
  readonly diskReads: () => number;
  /** Called when damage was met in `file`, before the reader learns of it. */
  readonly onDamage: (digest: Digest, file: SharedFile, why: string) => void;
}

/**
 * A file of which no byte is given out that was not checked against the sum of its chunk.
 *
 * A check costs a third of what sending costs, so a chunk that was right is taken for right as long as it can only be the same bytes in
 * the page cache: the file's change time (`ctime`, which nobody can set back) and this process's count of disk reads are as they
 * were, and a minute has not passed. Each look costs 1 us, and comes after the bytes were read.
 */
export class CheckedFile {
  readonly file: SharedFile;
  readonly digest: Digest;
  readonly size: number;
  readonly sums: ChunkSums;
  readonly #deps: CheckedFileDeps;
  /** One bit for each chunk that was right since {@link CheckedFile.#since}. */
  readonly #right: Uint8Array;
  /** Counts the times at which everything became doubtful. */
  #epoch = 0;
  #since = 0;
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
   * Reads into `buffer`, and gives the part of it that begins with the byte at `offset`: at least one byte, none behind `end`. The
   * buffer must hold the chunk of `offset`. Throws `STORE_DAMAGED` when a byte on the way is not right, or not there.
   */
  async read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    const epoch = this.#look();
    const old = this.#deps.clock.monotonic() - this.#since >= TICK_MS;
    const { bytes, start, missing } = await readChunks(this.file.fd, buffer, {
      offset,
      end,
      size: this.size,
    });
    if (missing !== undefined) throw this.#damaged(missing.at, errorText(missing.why));
    const same = this.#look() === epoch;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = (start + at) / CHUNK_BYTES;
      if (same && this.#isRight(chunk)) continue;
      if (sumOf(bytes.subarray(at, at + CHUNK_BYTES)) !== this.sums[chunk])
        throw this.#damaged(start + at, 'its bytes are not those that were stored');
      if (same && old) this.#right[chunk >> 3] = this.#rightAround(chunk) | (1 << (chunk & 7));
    }
    return bytes.subarray(offset - start, Math.min(end, start + bytes.length) - start);
  }

  /** The number of the present epoch; a new one begins when any byte may be another than it was. */
  #look(): number {
    const { ctimeMs } = fstatSync(this.file.fd);
    const diskReads = this.#deps.diskReads();
    const now = this.#deps.clock.monotonic();
    const same = ctimeMs === this.#changedAt && diskReads === this.#diskReads;
    if (!same || now - this.#since > RECHECK_MS) {
      this.#epoch += 1;
      this.#since = now;
      this.#changedAt = ctimeMs;
      this.#diskReads = diskReads;
      this.#right.fill(0);
    }
    return this.#epoch;
  }

  #isRight(chunk: number): boolean {
    return (this.#rightAround(chunk) & (1 << (chunk & 7))) !== 0;
  }

  /** The bits of the eight chunks that this one is among. */
  #rightAround(chunk: number): number {
    return this.#right[chunk >> 3] ?? 0;
  }

  #damaged(at: number, why: string): LarderError {
    this.#deps.onDamage(this.digest, this.file, `at byte ${at}: ${why}`);
    return new LarderError('STORE_DAMAGED', `stored content ${this.digest} is damaged at byte ${at}: ${why}`);
  }
}
