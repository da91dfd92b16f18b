import { createRecentMap } from '../../kit/recent-map.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import { excusesStaleness } from '../../upstream/refusal.ts';

/**
 * With something to fall back on, no caller waits longer than this for an upstream that does not answer. A later caller does not
 * join a question that is older.
 */
export const FALLBACK_AFTER_MS = 5_000;

/**
 * A failed upstream is not asked again until 5 s after the last question, and for 3 s at least. With {@link FALLBACK_AFTER_MS} that
 * makes 8 s, below the 10 s after the end of a fault in which everything must be normal again (docs/laws.md, "Do no harm").
 */
const PAUSE_MS = { fromQuestion: 5_000, fromFailure: 3_000 };

/**
 * Asks an upstream where an older answer can be used instead. Throws `UPSTREAM_TIMEOUT` after 5 s, while the question itself goes on.
 * After a failure that excuses a stale answer, throws that failure again for 3 to 5 s without asking. An open breaker needs no such
 * pause: the breaker fails at once by itself and knows best when to ask again. `id` names the question.
 */
export type StaleFallback = <T>(id: string, ask: () => Promise<T>) => Promise<T>;

export function createStaleFallback(clock: Clock): StaleFallback {
  const pauses = createRecentMap<string, { until: number; error: LarderError }>(10_000);
  /** Start of each running question: a caller that joins waits no longer for the answer than the first one. */
  const startedAt = new Map<string, number>();

  return async function staleFallback(id, ask) {
    const pause = pauses.get(id);
    if (pause !== undefined && pause.until > clock.monotonic()) throw pause.error;
    const askedAt = startedAt.get(id) ?? clock.monotonic();
    startedAt.set(id, askedAt);
    try {
      return await within(askedAt + FALLBACK_AFTER_MS - clock.monotonic(), ask(), clock);
    } catch (error) {
      if (isLarderError(error) && excusesStaleness(error) && error.code !== 'UPSTREAM_BREAKER_OPEN') {
        const until = Math.max(askedAt + PAUSE_MS.fromQuestion, clock.monotonic() + PAUSE_MS.fromFailure);
        pauses.set(id, { until, error });
      }
      throw error;
    } finally {
      if (startedAt.get(id) === askedAt) startedAt.delete(id);
    }
  };
}

async function within<T>(ms: number, answer: Promise<T>, clock: Clock): Promise<T> {
  const timer = new AbortController();
  const tooLong = sleep(clock, ms, timer.signal).then(() => {
    throw new LarderError(
      'UPSTREAM_TIMEOUT',
      `the upstream did not answer within ${FALLBACK_AFTER_MS / 1000} s`,
    );
  });
  try {
    return await Promise.race([answer, tooLong]);
  } finally {
    timer.abort(new Error('answered'));
    tooLong.catch(() => {});
  }
}
