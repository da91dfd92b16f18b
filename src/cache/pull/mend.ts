import type { Remains, Spool } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { UpstreamBlob } from './upstream-blob.ts';

/** Bytes copied from the remains per step. Hashing them blocks the event loop for about 0.4 ms. */
const STEP_BYTES = 512 * 1024;

/** Mends a blob of which a damaged file is left: copies the undamaged parts and fetches only the others. */
export interface Mending {
  /**
   * Sends the first request and returns the upstream's answer; undefined if nothing has to be fetched. Throws the
   * upstream's refusal.
   */
  begin(): Promise<UpstreamResponse | undefined>;
  /** Completes the spool. `first` is the result of {@link Mending.begin}. Calls `appended` after each write. */
  copy(first: UpstreamResponse | undefined, appended: () => void): Promise<void>;
}

/** `signal` ends the copying. */
export function createMending(
  remains: Remains,
  spool: Spool,
  blob: UpstreamBlob,
  signal: AbortSignal,
): Mending {
  return {
    async begin() {
      const range = remains.damaged.find(({ end }) => end > spool.offset);
      return range && blob.open(Math.max(range.start, spool.offset), range.end);
    },

    async copy(first, appended) {
      let response = first;
      try {
        for (const { start, end } of [...remains.damaged, { start: remains.size, end: remains.size }]) {
          await copyRemains(start, appended);
          // Also fetches bytes before `start` that the file could not give, although they are not listed as damaged.
          if (spool.offset >= end) continue;
          response ??= await blob.open(spool.offset, end);
          await blob.copyTo(spool, response, appended, end);
          response = undefined;
        }
      } finally {
        response?.body.destroy();
      }
    },
  };

  async function copyRemains(end: number, appended: () => void): Promise<void> {
    while (spool.offset < end) {
      signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, end - spool.offset));
      const count = await remains.read(buffer, spool.offset).catch(() => 0);
      if (count === 0) return;
      await spool.append([buffer.subarray(0, count)]);
      appended();
    }
  }
}
