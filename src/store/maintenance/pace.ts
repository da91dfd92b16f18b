import { sleep, type Clock } from '../../kit/clock.ts';

export interface PaceOptions {
  /** In the long run; 1 at least. */
  readonly bytesPerSecond: number;
  /** True while others need the machine more. */
  readonly busy?: () => boolean;
}

/** How late a step may be for want of an idle moment: what never rests is read all the same, at the full rate. */
export const PATIENCE_MS = 5_000;
/** Milliseconds between two looks for an idle moment. */
const LOOK_MS = 250;

/**
 * Spreads reading over time: each step is due when those before it have had their time, waits for an idle moment from then on, and no
 * longer than {@link PATIENCE_MS}. In any `t` seconds it lets pass `bytesPerSecond` * (`t` + 5) bytes and one step, no more.
 * The returned function resolves when `bytes` may be read, and rejects with the signal's reason. One caller at a time.
 */
export function createPace(
  clock: Clock,
  { bytesPerSecond, busy = () => false }: PaceOptions,
): (bytes: number, signal: AbortSignal) => Promise<void> {
  let due = clock.monotonic();

  return async (bytes, signal) => {
    signal.throwIfAborted();
    // What was not used for longer than patience lasts is gone: a rest is followed by no rush.
    const now = clock.monotonic();
    due = Math.max(due, now - PATIENCE_MS);
    if (due > now) await sleep(clock, due - now, signal);
    for (;;) {
      const left = due + PATIENCE_MS - clock.monotonic();
      if (left <= 0 || !busy()) break;
      await sleep(clock, Math.min(LOOK_MS, left), signal);
    }
    due += (bytes / bytesPerSecond) * 1000;
  };
}
