import { crc32 } from 'node:zlib';

/** Bytes of content that one sum is of; the last chunk may be shorter. Chosen by measurement, see decision 0013. */
export const CHUNK_BYTES = 64 * 1024;

/** CRC-32 of each chunk of content, in order. Finds damage; whether bytes are right for others to have says only a digest. */
export type ChunkSums = Uint32Array;

/** Up to where bytes were summed, and the CRC-32 of those since the last chunk began. */
export interface SumRecord {
  readonly end: number;
  readonly sum: number;
}

/** Sums content as it arrives, in pieces of any size. */
export class ChunkSummer {
  readonly #complete: number[] = [];
  #length = 0;
  #partial = 0;

  /** Bytes summed so far. */
  get length(): number {
    return this.#length;
  }

  /** Gives what has become known: a record at the end of each chunk, and one at the end of what there is. */
  update(...pieces: readonly Buffer[]): SumRecord[] {
    const records: SumRecord[] = [];
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + CHUNK_BYTES - (this.#length % CHUNK_BYTES));
        this.#partial = crc32(part, this.#partial);
        this.#length += part.length;
        at += part.length;
        if (this.#length % CHUNK_BYTES > 0) continue;
        records.push({ end: this.#length, sum: this.#partial });
        this.#complete.push(this.#partial);
        this.#partial = 0;
      }
    }
    if (this.#length % CHUNK_BYTES > 0) records.push({ end: this.#length, sum: this.#partial });
    return records;
  }

  /** A function that takes back all that is summed between this call and that one. */
  mark(): () => void {
    const [length, partial, complete] = [this.#length, this.#partial, this.#complete.length];
    return () => {
      this.#length = length;
      this.#partial = partial;
      this.#complete.length = complete;
    };
  }

  /** The sums of all chunks so far, the begun one included. */
  sums(): ChunkSums {
    const begun = this.#length % CHUNK_BYTES > 0 ? [this.#partial] : [];
    return Uint32Array.from([...this.#complete, ...begun]);
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

/** As they are kept: four bytes each, little-endian. */
export function encodeSums(sums: ChunkSums): Uint8Array {
  const bytes = Buffer.alloc(sums.length * 4);
  for (const [at, sum] of sums.entries()) bytes.writeUInt32LE(sum, at * 4);
  return bytes;
}

/** Undefined when these are not the sums of content of `size` bytes. */
export function decodeSums(bytes: Uint8Array, size: number): ChunkSums | undefined {
  const count = Math.ceil(size / CHUNK_BYTES);
  if (bytes.length !== count * 4) return undefined;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: count }, (_, at) => view.readUInt32LE(at * 4));
}
