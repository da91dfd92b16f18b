import type { ByteRange } from '../../oci/range.ts';
import { CHUNK_BYTES, chunkEnd, chunkStart, sumOf, type ChunkSums } from '../sums/chunk-sums.ts';
import { readAt } from '../files/disk.ts';
import type { SharedFile } from '../files/shared-file.ts';
import type { Remains } from '../types.ts';

/** Damaged ranges closer together than this are fetched by one request, with the right bytes between them. */
const GAP_BYTES = 1024 * 1024;

/** Content with a larger damaged share is fetched as a whole. */
const USEFUL_SHARE = 0.5;

/** Bytes read at a time: 16 chunks. */
const STEP_BYTES = 16 * CHUNK_BYTES;

/**
 * Finds the usable part of a damaged file: every chunk whose sum is right. Takes over one ownership of `file`. Undefined if too little is
 * usable; the file is released then.
 */
export async function remainsOf(
  file: SharedFile,
  size: number,
  sums: ChunkSums,
): Promise<Remains | undefined> {
  const damaged = await damagedRanges(file.fd, size, sums);
  const lost = damaged.reduce((sum, { start, end }) => sum + end - start, 0);
  if (lost > size * USEFUL_SHARE) {
    file.release();
    return undefined;
  }
  return {
    size,
    damaged,
    async read(buffer, offset) {
      const start = chunkStart(offset);
      const bytes = Buffer.allocUnsafe(Math.min(size, chunkEnd(offset + buffer.length)) - start);
      const count = await readAt(file.fd, bytes, start);
      // Checked again: the file may have changed since the first check.
      let end = 0;
      while (
        end < count &&
        isRight(bytes.subarray(end, Math.min(end + CHUNK_BYTES, count)), start + end, sums)
      )
        end += CHUNK_BYTES;
      return end === 0 ? 0 : bytes.copy(buffer, 0, offset - start, Math.min(end, count));
    },
    close: () => file.release(),
  };
}

async function damagedRanges(fd: number, size: number, sums: ChunkSums): Promise<ByteRange[]> {
  const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, size));
  const ranges: ByteRange[] = [];
  for (let at = 0; at < size; at += STEP_BYTES) {
    const bytes = buffer.subarray(0, Math.min(STEP_BYTES, size - at));
    const count = await readAt(fd, bytes, at).catch(() => 0);
    for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
      const chunk = bytes.subarray(from, from + CHUNK_BYTES);
      const right = from + chunk.length <= count && isRight(chunk, at + from, sums);
      if (!right) addRange(ranges, { start: at + from, end: at + from + chunk.length });
    }
  }
  return ranges;
}

/** `at`: offset of the chunk. */
function isRight(chunk: Buffer, at: number, sums: ChunkSums): boolean {
  return sumOf(chunk) === sums[at / CHUNK_BYTES];
}

/** Appends a range, or extends the last one if that is near. */
function addRange(ranges: ByteRange[], next: ByteRange): void {
  const last = ranges.at(-1);
  if (last !== undefined && next.start - last.end <= GAP_BYTES)
    ranges[ranges.length - 1] = { start: last.start, end: next.end };
  else ranges.push(next);
}
