import type { Remains, Spool } from '../../store/types.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { UpstreamBlob } from './upstream-blob.ts';

/** Copied from the remains at a time: hashing this much stops the loop for about 0.4 ms. */
const STEP_BYTES = 512 * 1024;

/** A blob of which a damaged file is left: what of it is right is copied, and only the rest fetched. */
export interface Mending {
  /** The upstream's answer to the first request; undefined when nothing has to be fetched. Throws its refusal. */
  begin(): Promise<UpstreamResponse | undefined>;
  /** Completes the spool; `first` is what {@link Mending.begin} gave. `appended` is called after each write. */
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
          // Also what could not be read up to there, though it could a moment ago.
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
