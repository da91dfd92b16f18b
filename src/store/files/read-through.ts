import { readAt } from './disk.ts';

/** Hashing this much blocks the event loop for about 0.2 ms. */
const STEP = 256 * 1024;

/**
 * Passes the first `size` bytes of the file to `take`, in order and in steps between which the event loop runs. `take` may use its buffer
 * only during the call. Returns the number of bytes found. Awaits `paced` with the bytes of each step before reading it, and rejects if
 * `paced` rejects.
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
