import { createReadStream } from 'node:fs';
import { ChunkSummer, type ChunkSums } from './chunk-sums.ts';

const STEP_BYTES = 256 * 1024;

/**
 * Reads the file and compares the sums of its chunks. Bytes that the disk cannot read (EIO) count as wrong bytes. Rejects with other errors of
 * the system, and when the signal aborts.
 */
export async function matchesSums(path: string, sums: ChunkSums, signal: AbortSignal): Promise<boolean> {
  const summer = new ChunkSummer();
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: STEP_BYTES, signal }))
      summer.update([bytes as Buffer]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return false;
    throw error;
  }
  const found = summer.sums();
  return found.length === sums.length && found.every((sum, at) => sum === sums[at]);
}
