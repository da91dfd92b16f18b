import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { LarderError } from '../../kit/errors.ts';
import type { Origin } from '../../store/types.ts';

/** 404s may be remembered 10 s at most (contract); so short that a push right after a miss is hardly noticed. */
const REMEMBERED_MS = 3_000;

/**
 * What upstreams refused a moment ago, so that a crowd asking for something missing or broken costs one request. Bounded, and
 * keyed by repository unless the failure concerns the content itself.
 */
export interface RecentFailures {
  remember(where: Partial<Origin>, what: string, error: LarderError): void;
  /** Throws the remembered failure, if there is one. */
  rethrow(where: Partial<Origin>, what: string): void;
}

export function createRecentFailures(clock: Clock): RecentFailures {
  const failures = new LRUCache<string, { error: LarderError; until: number }>({ max: 10_000 });
  const key = (where: Partial<Origin>, what: string): string =>
    `${where.upstream}/${where.repository ?? ''} ${what}`;
  return {
    remember(where, what, error) {
      failures.set(key(where, what), { error, until: clock.monotonic() + REMEMBERED_MS });
    },
    rethrow(where, what) {
      const id = key(where, what);
      const failure = failures.get(id);
      if (failure === undefined) return;
      if (failure.until > clock.monotonic()) throw failure.error;
      failures.delete(id);
    },
  };
}
