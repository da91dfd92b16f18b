import type { Clock } from '../../kit/clock.ts';

/** Node.js fires timers beyond this at once instead of late (https://nodejs.org/api/timers.html, `setTimeout`). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One timer that can be set to another time. */
export interface Alarm {
  /** Rings once at `at`, a time of `clock.monotonic()`, instead of when it would have rung; never for undefined. */
  set(at: number | undefined): void;
}

/** An {@link Alarm} that calls `ring`, for times however far away. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let due: number | undefined;
  let cancel = (): void => {};

  function wait(until: number): void {
    // Node.js counts whole milliseconds: rounded down, it would ring too early and wait again.
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
