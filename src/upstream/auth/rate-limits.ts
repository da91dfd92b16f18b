import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import { parseRetryAfter } from '../../kit/retry-after.ts';

/** Time to wait without `Retry-After`. Short, because an upstream that means hours says so. */
const DEFAULT_SECONDS = 5;
/** Credentials in memory, some 2 MiB. Callers bring as many as they like; a forgotten one costs one more request. */
const REMEMBERED = 10_000;

/** The 429s of one upstream by credential, because registries limit each credential, and anonymous callers by address. */
export interface RateLimits {
  /** Throws `UPSTREAM_RATE_LIMITED` while the last 429 of this credential lasts. */
  check(credentialId: string): void;
  /** Remembers a 429 for its `Retry-After`, 5 s without one, 1 h at most. Returns the error to throw. */
  record(credentialId: string, retryAfter: string | undefined): LarderError;
}

/** Creates the {@link RateLimits} of the upstream `name`. */
export function createRateLimits(name: string, clock: Clock): RateLimits {
  const until = createRecentMap<string, number>(REMEMBERED);

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
