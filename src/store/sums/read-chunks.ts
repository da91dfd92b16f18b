import { chunkEnd, chunkStart } from './chunk-sums.ts';
import { readAt } from '../files/disk.ts';

/** Bytes that begin at `start`, which is the beginning of a chunk, and end with one, or with the content. */
export interface Chunks {
  readonly bytes: Buffer;
  readonly start: number;
  /** Where, and why, bytes could not be read that should be there. */
  readonly missing: { readonly at: number; readonly why: unknown } | undefined;
}

/**
 * Reads the chunks that `offset` to `end` are in, as many as `buffer` holds; it must hold the first. `size` is how much there is.
 */
export async function readChunks(
  fd: number,
  buffer: Buffer,
  { offset, end, size }: { readonly offset: number; readonly end: number; readonly size: number },
): Promise<Chunks> {
  const start = chunkStart(offset);
  const wanted = Math.min(size, chunkEnd(end));
  const stop = wanted - start <= buffer.length ? wanted : start + chunkStart(buffer.length);
  const bytes = buffer.subarray(0, stop - start);
  try {
    const count = await readAt(fd, bytes, start);
    const missing =
      count < bytes.length ? { at: start + count, why: new Error('the file ends there') } : undefined;
    return { bytes, start, missing };
  } catch (error) {
    return { bytes, start, missing: { at: start, why: error } };
  }
}
