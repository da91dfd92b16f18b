import type { Clock } from '../../kit/clock.ts';
import { TokenBucket } from '../../kit/token-bucket.ts';

/** As in client-go's default rate limiter (`util/workqueue/default_rate_limiters.go`). */
const FIRST_MS = 5;
const LONGEST_MS = 1_000_000;
const OVERALL = { perSecond: 10, burst: 100 };

/** Delays of failed keys: longer from failure to failure, and at most 10 retries a second in total. */
export interface RetryDelays {
  /** Counts a failure of `key`: 5 ms after the first, doubled with each, at most 1000 s; longer if too many keys fail at once. */
  next(key: string): number;
  /** Makes the next failure of `key` its first. */
  forget(key: string): void;
  failures(key: string): number;
}

export function createRetryDelays(clock: Clock): RetryDelays {
  const failures = new Map<string, number>();
  const overall = new TokenBucket(clock, OVERALL);
  return {
    next(key) {
      const before = failures.get(key) ?? 0;
      failures.set(key, before + 1);
      return Math.max(Math.min(FIRST_MS * 2 ** before, LONGEST_MS), overall.reserve());
    },
    forget(key) {
      failures.delete(key);
    },
    failures: (key) => failures.get(key) ?? 0,
  };
}
