import xxhash from 'xxhash-wasm';

/** Bytes of content that one sum is of; the last chunk may be shorter. Chosen by measurement, see decision 0013. */
export const CHUNK_BYTES = 64 * 1024;

/**
 * The XXH64 of each chunk of content, in order. Finds damage that nobody meant: whether bytes are right for others to have, only their
 * digest says.
 */
export type ChunkSums = BigUint64Array;

/** Up to where bytes were summed, and the sum of those since the last chunk began. */
export interface SumRecord {
  readonly end: number;
  readonly sum: bigint;
}

const SUM_BYTES = 8;
const hasher = await xxhash();

/** The sum of a whole chunk, or of a part of one. */
export function sumOf(chunk: Buffer): bigint {
  return hasher.h64Raw(chunk);
}

/** Sums content as it arrives, in pieces of any size. */
export class ChunkSummer {
  readonly #complete: bigint[] = [];
  #length = 0;
  /** Of a chunk that has begun and is not complete. */
  #begun: ReturnType<typeof hasher.create64> | undefined;

  /** Bytes summed so far. */
  get length(): number {
    return this.#length;
  }

  /** How many chunks are complete. */
  get complete(): number {
    return this.#complete.length;
  }

  /** The sum of a chunk, by its number; of the one that has begun, of what there is of it. */
  sumAt(chunk: number): bigint | undefined {
    return this.#complete[chunk] ?? (chunk === this.complete ? this.#begun?.digest() : undefined);
  }

  /** Gives what has become known: a record at the end of each chunk, and one at the end of what there is. */
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

  /** The sums of all chunks so far, the begun one included. */
  sums(): ChunkSums {
    return BigUint64Array.from([
      ...this.#complete,
      ...(this.#begun === undefined ? [] : [this.#begun.digest()]),
    ]);
  }

  /** Gives the sum of the chunk that `part` completes, if it does. */
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

/** The first byte of the chunk that `offset` is in. */
export function chunkStart(offset: number): number {
  return offset - (offset % CHUNK_BYTES);
}

/** The end of the last chunk of which a byte is before `end`, as if each were whole. */
export function chunkEnd(end: number): number {
  return Math.ceil(end / CHUNK_BYTES) * CHUNK_BYTES;
}

/** As they are kept: in the order of bytes of the machine, which is little-endian on all that Larder runs on. */
export function encodeSums(sums: ChunkSums): Uint8Array {
  return new Uint8Array(sums.buffer, sums.byteOffset, sums.byteLength);
}

/** Undefined when these are not the sums of content of `size` bytes. */
export function decodeSums(bytes: Uint8Array, size: number): ChunkSums | undefined {
  const count = Math.ceil(size / CHUNK_BYTES);
  // A copy, because what a database gives may begin anywhere.
  return bytes.length === count * SUM_BYTES ? new BigUint64Array(Uint8Array.from(bytes).buffer) : undefined;
}
