import { LRUCache } from 'lru-cache';
import { sleep, type Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import { excusesStaleness } from './upstream-answer.ts';

/** With something to fall back on, nobody waits longer than this for an upstream that does not answer. */
const PATIENCE_MS = 5_000;

/** After a failure the upstream is left alone this long; below the 10 s in which all must be normal again. */
const FAILURE_PAUSE_MS = 5_000;

/**
 * Asks an upstream where there is something to fall back on: throws `UPSTREAM_TIMEOUT` after 5 s (what was asked goes on, and serves
 * the next), and for 5 s after a failure that excuses the fallback throws that failure again without asking. `id` names the question.
 */
export type Patience = <T>(id: string, ask: () => Promise<T>) => Promise<T>;

export function createPatience(clock: Clock): Patience {
  const pauses = new LRUCache<string, { until: number; error: LarderError }>({ max: 10_000 });

  return async function patience(id, ask) {
    const pause = pauses.get(id);
    if (pause !== undefined && pause.until > clock.monotonic()) throw pause.error;
    try {
      return await withinPatience(ask(), clock);
    } catch (error) {
      if (isLarderError(error) && excusesStaleness(error))
        pauses.set(id, { until: clock.monotonic() + FAILURE_PAUSE_MS, error });
      throw error;
    }
  };
}

async function withinPatience<T>(answer: Promise<T>, clock: Clock): Promise<T> {
  const timer = new AbortController();
  const tooLong = sleep(clock, PATIENCE_MS, timer.signal).then(() => {
    throw new LarderError('UPSTREAM_TIMEOUT', `the upstream did not answer within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([answer, tooLong]);
  } finally {
    timer.abort(new Error('answered'));
    tooLong.catch(() => {});
  }
}
