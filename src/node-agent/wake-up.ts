import type { Clock } from '../kit/clock.ts';

/** Wakes a loop that waits for work. Calls during the work count as one. */
export interface WakeUp {
  notify(): void;
  /** Resolves with true after a call of `notify` or after `limitMs`, and with false once `signal` aborts. One call at a time. */
  next(limitMs: number, signal: AbortSignal): Promise<boolean>;
}

export function createWakeUp(clock: Clock): WakeUp {
  let isPending = false;
  let wake = (): void => {};
  return {
    notify() {
      isPending = true;
      wake();
    },
    async next(limitMs, signal) {
      if (!isPending && !signal.aborted) {
        // `AbortSignal.any` would add a listener for good to a signal as old as the process.
        await new Promise<void>((resolve) => {
          const cancel = clock.after(limitMs, () => wake());
          wake = () => {
            cancel();
            signal.removeEventListener('abort', wake);
            resolve();
          };
          signal.addEventListener('abort', wake);
        });
        wake = () => {};
      }
      isPending = false;
      return !signal.aborted;
    },
  };
}
