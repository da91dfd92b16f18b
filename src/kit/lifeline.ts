import type { Clock } from './clock.ts';

/** The life of one request. Ends with its caller's signal or at a limit, and leaves neither listener nor timer behind. */
export interface Lifeline extends Disposable {
  readonly signal: AbortSignal;
  /** Ends the life with the error of `late` after `ms`, unless the returned function is called before. */
  limit(ms: number, late: () => Error): () => void;
}

/** Creates a life within that of `parent`. `AbortSignal.any` is no option, because its listener stays on a signal as old as the process. */
export function createLifeline(clock: Clock, parent: AbortSignal): Lifeline {
  const controller = new AbortController();
  const timers = new Set<() => void>();
  const onAbort = (): void => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });

  return {
    signal: controller.signal,
    limit(ms, late) {
      const stop = clock.after(ms, () => controller.abort(late()));
      const cancel = (): void => {
        stop();
        timers.delete(cancel);
      };
      timers.add(cancel);
      return cancel;
    },
    [Symbol.dispose]() {
      parent.removeEventListener('abort', onAbort);
      for (const cancel of timers) cancel();
    },
  };
}
