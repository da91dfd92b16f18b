import { readAt } from './disk.ts';

/** Hashing this much stops the loop for about 0.2 ms. */
const STEP = 256 * 1024;

/**
 * Gives the first `size` bytes of the file to `take`, in order and in steps between which others get their turn. The buffer belongs to
 * `take` only during the call. Gives how many bytes there were. Before each step it waits for `paced` with the bytes of the step, and
 * rejects when that does.
 */
export async function readThrough(
  fd: number,
  size: number,
  take: (bytes: Buffer) => void,
  paced?: (bytes: number) => Promise<void>,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(STEP, Math.max(1, size)));
  let at = 0;
  while (at < size) {
    const wanted = Math.min(buffer.length, size - at);
    await paced?.(wanted);
    const count = await readAt(fd, buffer.subarray(0, wanted), at);
    if (count === 0) break;
    take(buffer.subarray(0, count));
    at += count;
  }
  return at;
}
