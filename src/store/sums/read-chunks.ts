import { chunkEnd, chunkStart } from './chunk-sums.ts';
import { readAt } from '../files/disk.ts';

/** Whole chunks from `start` on; the last one may be the shorter end of the content. */
interface ReadChunks {
  readonly bytes: Buffer;
  readonly start: number;
  /** First byte that could not be read although it should exist, and the reason. */
  readonly missing: { readonly at: number; readonly why: unknown } | undefined;
}

/** Reads the chunks that contain `offset` to `end`, as many as `buffer` holds. It must hold the first. `size` is the size of the content. */
export async function readChunks(
  fd: number,
  buffer: Buffer,
  { offset, end, size }: { readonly offset: number; readonly end: number; readonly size: number },
): Promise<ReadChunks> {
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
