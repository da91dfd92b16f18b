import type { Hash } from 'node:crypto';
import { readAt } from './disk.ts';

/** Hashing this much stops the loop for about 0.2 ms. */
const STEP = 256 * 1024;

/**
 * Feeds the first `size` bytes of the file to `hash`, in steps between which others get their turn. Gives how many there were.
 * Before each step it waits for `paced` with the bytes of the step, and rejects when that does.
 */
export async function hashFile(
  fd: number,
  size: number,
  hash: Hash,
  paced?: (bytes: number) => Promise<void>,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(STEP, Math.max(1, size)));
  let at = 0;
  while (at < size) {
    const wanted = Math.min(buffer.length, size - at);
    await paced?.(wanted);
    const count = await readAt(fd, buffer.subarray(0, wanted), at);
    if (count === 0) break;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return at;
}
