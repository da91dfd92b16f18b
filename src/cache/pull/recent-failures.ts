import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Target } from '../access/target.ts';

/** 404s may be remembered 10 s at most (contract); so short that a push right after a miss is hardly noticed. */
const REMEMBERED_MS = 3_000;

/**
 * What upstreams refused a moment ago, so that a crowd asking for something missing or broken costs one request. Bounded. A
 * refusal is remembered for those to whom it was told: a registry may hide from one caller what it gives to another.
 */
export interface RecentFailures {
  remember(target: Target, what: string, error: LarderError): void;
  /** Throws the failure remembered for this caller, if there is one. */
  rethrow(target: Target, what: string): void;
  /** The upstream says otherwise now. */
  forget(target: Target, what: string): void;
  /**
   * A body with wrong bytes, which concerns whoever asks. The first one is forgiven, as one bit flips on a line now and then; the second
   * in a row is remembered.
   */
  rememberContent(upstream: string, digest: Digest, error: LarderError): void;
  /** A body with right bytes has come. */
  forgetContent(upstream: string, digest: Digest): void;
  rethrowContent(upstream: string, digest: Digest): void;
}

export function createRecentFailures(clock: Clock): RecentFailures {
  const failures = new LRUCache<string, { error: LarderError; until: number }>({ max: 10_000 });
  /** Contents whose last body was wrong. */
  const wrong = new LRUCache<string, true>({ max: 10_000 });

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
