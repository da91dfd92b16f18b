import { sleep, type Clock } from '../../kit/clock.ts';

export interface PaceOptions {
  /** Average in the long run; at least 1. */
  readonly bytesPerSecond: number;
  /** True while the program has other work. */
  readonly busy?: () => boolean;
}

/** Longest delay of a due step while the program is busy. A program that is never idle is read at the full rate all the same. */
const MAX_DELAY_MS = 5_000;
/** Milliseconds between two checks whether the program is idle. */
const IDLE_CHECK_MS = 250;

/**
 * Spreads reads over time. A step is due when the time of the steps before it has passed. A due step waits until the program is idle, at most
 * {@link MAX_DELAY_MS}. In any `t` seconds at most `bytesPerSecond` * (`t` + 5) bytes and one step pass. The returned function resolves
 * when `bytes` may be read, and rejects with the signal's reason. It serves one caller at a time.
 */
export function createPace(
  clock: Clock,
  { bytesPerSecond, busy = () => false }: PaceOptions,
): (bytes: number, signal: AbortSignal) => Promise<void> {
  let due = clock.monotonic();

  return async (bytes, signal) => {
    signal.throwIfAborted();
    // Time unused for longer than the longest delay is lost, so that no burst follows a rest.
    const now = clock.monotonic();
    due = Math.max(due, now - MAX_DELAY_MS);
    if (due > now) await sleep(clock, due - now, signal);
    for (;;) {
      const left = due + MAX_DELAY_MS - clock.monotonic();
      if (left <= 0 || !busy()) break;
      await sleep(clock, Math.min(IDLE_CHECK_MS, left), signal);
    }
    due += (bytes / bytesPerSecond) * 1000;
  };
}
