import { sleep, type Clock } from '../../kit/clock.ts';

export interface Rate {
  readonly perSecond: number;
  /** How many may go at once after a rest. */
  readonly burst: number;
}

/** Limits how often something is done. */
export interface TokenBucket {
  /** Resolves when it is the caller's turn, first come first served; rejects with the signal's reason, and costs nothing then. */
  take(signal: AbortSignal): Promise<void>;
}

/** A full bucket. */
export function createTokenBucket(clock: Clock, { perSecond, burst }: Rate): TokenBucket {
  const msPerToken = 1000 / perSecond;
  /** When the bucket would be full again if nobody came; every token taken moves it. */
  let fullAt = clock.monotonic();

  return {
    async take(signal) {
      const now = clock.monotonic();
      fullAt = Math.max(fullAt, now) + msPerToken;
      const waitMs = fullAt - now - burst * msPerToken;
      if (waitMs <= 0 && !signal.aborted) return;
      try {
        await sleep(clock, waitMs, signal);
      } catch (error) {
        fullAt -= msPerToken;
        throw error;
      }
    },
  };
}
