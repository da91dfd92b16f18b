import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { CHUNK_BYTES, chunkStart, sumOf, type ChunkSummer } from './chunk-sums.ts';
import { readAt } from '../files/disk.ts';
import { readChunks } from './read-chunks.ts';
import type { SharedFile } from '../files/shared-file.ts';

/**
 * A chunk is trusted for this long after it was written or checked. Readers of a running download read bytes written a moment ago, and the
 * change time of a growing file shows nothing.
 */
const RECHECK_MS = 1_000;

/** A spool whose bytes are checked before they are returned, unless they were written or checked within the last second. */
export class CheckedSpool {
  readonly #clock: Clock;
  readonly #digest: Digest;
  readonly #file: SharedFile;
  readonly #summer: ChunkSummer;
  /** For each chunk, when it was last known to be right; at first, when its first byte was written. */
  readonly #rightAt: number[] = [];

  constructor(clock: Clock, digest: Digest, file: SharedFile, summer: ChunkSummer) {
    this.#clock = clock;
    this.#digest = digest;
    this.#file = file;
    this.#summer = summer;
    this.written();
  }

  /** Notes that all bytes summed so far are on disk. */
  written(): void {
    const now = this.#clock.monotonic();
    while (this.#rightAt.length * CHUNK_BYTES < this.#summer.length) this.#rightAt.push(now);
  }

  /** See `Spool.read`. */
  async read(buffer: Buffer, offset: number, end: number): Promise<Buffer> {
    const size = this.#summer.length;
    const stop = Math.min(end, offset + buffer.length);
    // A reader of a running download takes the bytes since its last read, wherever in a chunk they begin.
    if (this.#isFresh(offset, stop)) return this.#readAsIs(buffer.subarray(0, stop - offset), offset);
    // The sum of the incomplete chunk is taken before the read: the chunk may grow meanwhile.
    const last = this.#staleSum(this.#summer.complete, this.#clock.monotonic());
    const { bytes, start, missing } = await readChunks(this.#file.fd, buffer, { offset, end, size });
    if (missing !== undefined) throw unreadable(missing.at, missing.why);
    const now = this.#clock.monotonic();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = (start + at) / CHUNK_BYTES;
      const piece = bytes.subarray(at, at + CHUNK_BYTES);
      const isLast = start + at + piece.length === size && piece.length < CHUNK_BYTES;
      const sum = isLast ? last : this.#staleSum(chunk, now);
      if (sum === undefined) continue;
      if (sumOf(piece) !== sum)
        throw new LarderError(
          'STORE_DAMAGED',
          `the spool of ${this.#digest} is damaged at byte ${start + at}`,
        );
      this.#rightAt[chunk] = now;
    }
    return bytes.subarray(offset - start, Math.min(end, start + bytes.length) - start);
  }

  async #readAsIs(bytes: Buffer, offset: number): Promise<Buffer> {
    const count = await readAt(this.#file.fd, bytes, offset).catch((error: unknown) => {
      throw unreadable(offset, error);
    });
    if (count < bytes.length) throw unreadable(offset + count, new Error('the file ends there'));
    return bytes;
  }

  #isFresh(start: number, stop: number): boolean {
    const now = this.#clock.monotonic();
    for (let at = chunkStart(start); at < stop; at += CHUNK_BYTES) {
      if (now - (this.#rightAt[at / CHUNK_BYTES] ?? now) >= RECHECK_MS) return false;
    }
    return true;
  }

  /** Sum to check the chunk against; undefined while the chunk is trusted. */
  #staleSum(chunk: number, now: number): bigint | undefined {
    return now - (this.#rightAt[chunk] ?? now) < RECHECK_MS ? undefined : this.#summer.sumAt(chunk);
  }
}

function unreadable(at: number, why: unknown): LarderError {
  return new LarderError('STORE_UNAVAILABLE', `a spool cannot be read at byte ${at}: ${errorText(why)}`);
}
