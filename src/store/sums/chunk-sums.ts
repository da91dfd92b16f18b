import xxhash from 'xxhash-wasm';

/** Bytes of content in one chunk; the last chunk may be shorter. Chosen by measurement, see decision 0013. */
export const CHUNK_BYTES = 64 * 1024;

/**
 * XXH64 sums of the chunks of content, in order. A sum finds accidental damage. Only the digest proves that bytes are the content: an
 * upstream could make other bytes with the same sums.
 */
export type ChunkSums = BigUint64Array;

/** Sum of the bytes from the beginning of the last chunk to `end`. */
export interface SumRecord {
  readonly end: number;
  readonly sum: bigint;
}

const SUM_BYTES = 8;
const hasher = await xxhash();

/** Sum of a chunk, or of the beginning of one. */
export function sumOf(chunk: Buffer): bigint {
  return hasher.h64Raw(chunk);
}

/** Sums content as it arrives, in pieces of any size. */
export class ChunkSummer {
  readonly #complete: bigint[] = [];
  #length = 0;
  /** Running sum of the incomplete chunk. */
  #begun: ReturnType<typeof hasher.create64> | undefined;

  /** Bytes summed so far. */
  get length(): number {
    return this.#length;
  }

  /** Number of complete chunks. */
  get complete(): number {
    return this.#complete.length;
  }

  /** Sum of a chunk by its number; for the incomplete chunk, of its bytes so far. */
  sumAt(chunk: number): bigint | undefined {
    return this.#complete[chunk] ?? (chunk === this.complete ? this.#begun?.digest() : undefined);
  }

  /** Sums `pieces`. Returns a record at the end of each completed chunk, and one at the end of the incomplete chunk. */
  update(pieces: readonly Buffer[]): SumRecord[] {
    const records: SumRecord[] = [];
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + CHUNK_BYTES - (this.#length % CHUNK_BYTES));
        const complete = this.#take(part);
        at += part.length;
        if (complete === undefined) continue;
        records.push({ end: this.#length, sum: complete });
        this.#complete.push(complete);
      }
    }
    if (this.#begun !== undefined) records.push({ end: this.#length, sum: this.#begun.digest() });
    return records;
  }

  /** Sums of all chunks so far, including the incomplete one. */
  sums(): ChunkSums {
    return BigUint64Array.from([
      ...this.#complete,
      ...(this.#begun === undefined ? [] : [this.#begun.digest()]),
    ]);
  }

  /** Returns the sum of the chunk if `part` completes it. */
  #take(part: Buffer): bigint | undefined {
    this.#length += part.length;
    if (part.length === CHUNK_BYTES) return sumOf(part);
    this.#begun = (this.#begun ?? hasher.create64()).update(part);
    if (this.#length % CHUNK_BYTES > 0) return undefined;
    const sum = this.#begun.digest();
    this.#begun = undefined;
    return sum;
  }
}

/** Offset of the first byte of the chunk that contains `offset`. */
export function chunkStart(offset: number): number {
  return offset - (offset % CHUNK_BYTES);
}

/** End of the last chunk that begins before `end`, as if every chunk had its full size. */
export function chunkEnd(end: number): number {
  return Math.ceil(end / CHUNK_BYTES) * CHUNK_BYTES;
}

/** Bytes of the sums as the index stores them, in the machine's byte order: little-endian on every machine that Larder runs on. */
export function encodeSums(sums: ChunkSums): Uint8Array {
  return new Uint8Array(sums.buffer, sums.byteOffset, sums.byteLength);
}

/** Undefined if these cannot be the sums of content of `size` bytes. */
export function decodeSums(bytes: Uint8Array, size: number): ChunkSums | undefined {
  const count = Math.ceil(size / CHUNK_BYTES);
  // A copy, because bytes from the database may begin at any alignment.
  return bytes.length === count * SUM_BYTES ? new BigUint64Array(Uint8Array.from(bytes).buffer) : undefined;
}
