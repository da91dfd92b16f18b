import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import type { LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Target } from '../access/target.ts';

/** 404s may be remembered 10 s at most (docs/laws.md, "Do no harm"). 3 s hardly delay a push right after a miss. */
const REMEMBERED_MS = 3_000;

/**
 * Remembers recent failures of upstreams, so that many requests for missing or broken content cost one upstream request.
 * Bounded to 10 000. A refusal counts only for the requester that received it: a registry may hide from one caller what it
 * gives to another.
 */
export interface RecentFailures {
  remember(target: Target, what: string, error: LarderError): void;
  /** Throws the failure remembered for this requester, if there is one. */
  rethrow(target: Target, what: string): void;
  /** Drops the failure, since a newer answer of the upstream contradicts it. */
  forget(target: Target, what: string): void;
  /**
   * Records a body with wrong bytes, which concerns all requesters. Only the second in a row is remembered: single bits flip
   * on a line from time to time.
   */
  rememberContent(upstream: string, digest: Digest, error: LarderError): void;
  /** Records a body with right bytes. */
  forgetContent(upstream: string, digest: Digest): void;
  rethrowContent(upstream: string, digest: Digest): void;
}

export function createRecentFailures(clock: Clock): RecentFailures {
  const failures = createRecentMap<string, { error: LarderError; until: number }>(10_000);
  /** Content whose last body was wrong. */
  const wrong = createRecentMap<string, true>(10_000);

  function remember(key: string, error: LarderError): void {
    failures.set(key, { error, until: clock.monotonic() + REMEMBERED_MS });
  }

  function rethrow(key: string): void {
    const failure = failures.get(key);
    if (failure === undefined) return;
    if (failure.until > clock.monotonic()) throw failure.error;
    failures.delete(key);
  }

  return {
    remember: (target, what, error) => remember(keyOf(target, what), error),
    rethrow: (target, what) => rethrow(keyOf(target, what)),
    forget: (target, what) => void failures.delete(keyOf(target, what)),
    rememberContent(upstream, digest, error) {
      const key = `${upstream}/ ${digest}`;
      if (wrong.has(key)) remember(key, error);
      wrong.set(key, true);
    },
    forgetContent: (upstream, digest) => void wrong.delete(`${upstream}/ ${digest}`),
    rethrowContent: (upstream, digest) => rethrow(`${upstream}/ ${digest}`),
  };
}

function keyOf({ upstream, repository, requester }: Target, what: string): string {
  return `${upstream.name}/${repository} ${requester.key} ${what}`;
}
