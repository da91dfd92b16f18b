import type { Clock } from '../kit/clock.ts';

/** Tells a loop that there is something to do. What comes while it works becomes one. */
export interface WakeUp {
  notify(): void;
  /** Resolves with true when there was a change, or after `limitMs`; with false when `signal` aborts. One call at a time. */
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
        // Not AbortSignal.any: that would stay with a signal as old as the process.
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
