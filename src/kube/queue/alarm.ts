import type { Clock } from '../../kit/clock.ts';

/** Node.js fires longer timers at once instead of late (https://nodejs.org/api/timers.html, `setTimeout`). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One timer that can be moved. */
export interface Alarm {
  /** Replaces the time of the next ring with `at`, a time of `clock.monotonic()`. Undefined: never. */
  set(at: number | undefined): void;
}

/** Creates an {@link Alarm} that calls `ring`, for times however far away. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let due: number | undefined;
  let cancel = (): void => {};

  function wait(until: number): void {
    // Rounded up: Node.js counts whole milliseconds and would ring too early.
    const ms = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(until - clock.monotonic())));
    cancel = clock.after(ms, () => {
      if (clock.monotonic() < until) {
        wait(until);
        return;
      }
      due = undefined;
      ring();
    });
  }

  return {
    set(at) {
      if (at === due) return;
      cancel();
      due = at;
      if (at !== undefined) wait(at);
    },
  };
}
