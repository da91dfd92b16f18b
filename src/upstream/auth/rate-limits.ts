import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { parseRetryAfter } from '../../kit/retry-after.ts';

/** Without `Retry-After`: short, since an upstream that meant hours would say so. */
const DEFAULT_SECONDS = 5;
/**
 * Callers bring as many accounts as they like. Who is forgotten for another costs one more request, and 10 000 names of
 * accounts some 2 MiB.
 */
const REMEMBERED = 10_000;

/** The 429s of one upstream, remembered per credentialId: a limit counts per credential, or per address for anonymous ones. */
export interface RateLimits {
  /** Throws `UPSTREAM_RATE_LIMITED` while the last 429 of this credentialId has not passed. */
  check(credentialId: string): void;
  /** Remembers a 429 with its `Retry-After` (5 s without one, 1 h at most) and gives the error to throw. */
  record(credentialId: string, retryAfter: string | undefined): LarderError;
}

/** A {@link RateLimits} for the upstream `name`. */
export function createRateLimits(name: string, clock: Clock): RateLimits {
  const until = new LRUCache<string, number>({ max: REMEMBERED });

  function limited(leftMs: number): LarderError {
    const retryAfterSeconds = Math.ceil(leftMs / 1000);
    return new LarderError(
      'UPSTREAM_RATE_LIMITED',
      `${name} limits the rate of requests and asks to wait ${retryAfterSeconds} s`,
      { retryAfterSeconds, hint: 'log in to the registry for a higher limit' },
    );
  }

  return {
    check(credentialId) {
      const left = (until.get(credentialId) ?? 0) - clock.monotonic();
      if (left > 0) throw limited(left);
      until.delete(credentialId);
    },
    record(credentialId, retryAfter) {
      const ms = 1000 * (parseRetryAfter(retryAfter, clock.now()) ?? DEFAULT_SECONDS);
      until.set(credentialId, clock.monotonic() + ms);
      return limited(ms);
    },
  };
}
