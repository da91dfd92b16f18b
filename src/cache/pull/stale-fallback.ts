import { LRUCache } from 'lru-cache';
import { sleep, type Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import { excusesStaleness } from '../../upstream/refusal.ts';

/** With something to fall back on, nobody waits longer than this for an upstream that does not answer; nor does who comes later wait for that answer. */
export const PATIENCE_MS = 5_000;

/**
 * An upstream that failed is left alone until 5 s after it was asked, and for 3 s at least. With the patience before that is 8 s, below the
 * 10 s after the end of a fault in which all must be normal again.
 */
const PAUSE_MS = { fromQuestion: 5_000, fromFailure: 3_000 };

/**
 * Asks an upstream where there is something to fall back on: throws `UPSTREAM_TIMEOUT` after 5 s (what was asked goes on), and for 3 to 5 s
 * after a failure that excuses the fallback throws that failure again without asking. A breaker that is open says so at once by itself, and
 * knows best when to ask again. `id` names the question.
 */
export type Patience = <T>(id: string, ask: () => Promise<T>) => Promise<T>;

export function createPatience(clock: Clock): Patience {
  const pauses = new LRUCache<string, { until: number; error: LarderError }>({ max: 10_000 });
  /** When it was asked first, of what is being waited for: who joins waits no longer for it than the first. */
  const waiting = new Map<string, number>();

  return async function patience(id, ask) {
    const pause = pauses.get(id);
    if (pause !== undefined && pause.until > clock.monotonic()) throw pause.error;
    const askedAt = waiting.get(id) ?? clock.monotonic();
    waiting.set(id, askedAt);
    try {
      return await within(askedAt + PATIENCE_MS - clock.monotonic(), ask(), clock);
    } catch (error) {
      if (isLarderError(error) && excusesStaleness(error) && error.code !== 'UPSTREAM_BREAKER_OPEN') {
        const until = Math.max(askedAt + PAUSE_MS.fromQuestion, clock.monotonic() + PAUSE_MS.fromFailure);
        pauses.set(id, { until, error });
      }
      throw error;
    } finally {
      if (waiting.get(id) === askedAt) waiting.delete(id);
    }
  };
}

async function within<T>(ms: number, answer: Promise<T>, clock: Clock): Promise<T> {
  const timer = new AbortController();
  const tooLong = sleep(clock, ms, timer.signal).then(() => {
    throw new LarderError('UPSTREAM_TIMEOUT', `the upstream did not answer within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([answer, tooLong]);
  } finally {
    timer.abort(new Error('answered'));
    tooLong.catch(() => {});
  }
}
