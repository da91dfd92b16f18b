import { isLarderError, LarderError } from '../../kit/errors.ts';
import type { ByteRange } from '../../oci/range.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import { BODY_END } from '../pull/direct-body.ts';
import { HOLD_BACK_BYTES, isStoreFailure } from '../pull/fill.ts';
import { pump } from '../pull/pump.ts';
import type { BlobFallbackDeps, BlobFallbacks } from './blob-fallbacks.ts';
import { beginBlob, beginUnsizedBlob, blobHeaders, rangeToResume, unsent } from './blob-head.ts';
import type { BlobProgress } from './blob-progress.ts';
import type { FillShare } from './fill-share.ts';

/** Headers go out after this long at the latest (docs/laws.md, "Do no harm"): containerd 2.3 gives up after 30 s without any. */
const HEADERS_WITHIN_MS = 10_000;

/** In this round, a fill that has ended without leaving the blob in the store is an error. */
const LAST_ROUND = 3;

/** Reads one answer from the fill of its round. Resolves with true if the answer is complete, with false if a new round has begun. */
export type FillReader = (progress: BlobProgress) => Promise<boolean>;

export function createFillReader({ clock, pool }: BlobFallbackDeps, fallbacks: BlobFallbacks): FillReader {
  return async function readFill(progress) {
    const { digest, round, share } = progress;
    const { fill } = share;
    if (fill.retain()) {
      try {
        return await readRetained(progress, share);
      } finally {
        fill.release();
      }
    }
    // The fill has ended after it opened: the store has the blob, or another fill is due.
    if (round >= LAST_ROUND)
      throw fill.failure ?? new LarderError('STORE_UNAVAILABLE', `${digest} could not be stored`);
    progress.nextRound();
    return false;
  };

  async function readRetained(progress: BlobProgress, share: FillShare): Promise<boolean> {
    const { exchange, target, begun } = progress;
    const { fill } = share;
    const { response, signal } = exchange;
    exchange.bytesFrom = share.isFirst ? 'fill' : 'join';
    const range = begun ?? begin(progress, share);
    if (range === undefined) return true;
    const { size } = fill;
    const cancelFlush =
      size !== undefined && size > HOLD_BACK_BYTES && range.start <= fill.limit
        ? (response.flushHeaders(), undefined)
        : clock.after(HEADERS_WITHIN_MS, () => response.flushHeaders());
    try {
      // An empty body has no byte to hold back, so the answer itself waits for the proof.
      if (size === 0) await fill.grown(0, signal);
      // An answer that has begun goes on with proven bytes alone, because its beginning was not hashed.
      const start =
        begun === undefined
          ? await fallbacks.passFarRange(exchange, target, fill, range)
          : unsent(exchange, begun).start;
      await pump(fill, { start, end: range.end }, exchange, pool, signal);
    } catch (error) {
      if (isLarderError(error, 'STORE_DAMAGED')) {
        // The fill ends first: only stored content is repaired, and nothing else is fetched twice for that.
        await fill.grown(BODY_END, signal);
        progress.begun = rangeToResume(exchange, range);
        progress.nextRound();
        return false;
      }
      if (!isStoreFailure(error) || fill.failure !== error) throw error;
      await fallbacks.goOnWithoutStore(exchange, target, fill, range);
    } finally {
      cancelFlush?.();
    }
    response.end();
    return true;
  }

  /** Undefined once the answer is complete. */
  function begin({ exchange }: BlobProgress, { fill, isFirst }: FillShare): ByteRange | undefined {
    const status: CacheStatus = isFirst ? { kind: 'miss', stored: true } : { kind: 'miss', collapsed: true };
    return fill.size === undefined
      ? beginUnsizedBlob(exchange, status, fill.digest)
      : beginBlob(exchange, fill.size, status, blobHeaders(fill.digest));
  }
}
