import { untilAborted } from '../../kit/abort.ts';

/** Callers that wait until something is so. */
export interface Waiters {
  /** Resolves when `isMet` is true, now or at a later {@link Waiters.recheck}; rejects with the signal's reason. */
  until(isMet: () => boolean, signal: AbortSignal): Promise<void>;
  /** Something has changed. */
  recheck(): void;
  readonly size: number;
}

/** Nobody waits yet. */
export function createWaiters(): Waiters {
  const waiting = new Set<{ readonly isMet: () => boolean; readonly resolve: () => void }>();
  return {
    async until(isMet, signal) {
      signal.throwIfAborted();
      if (isMet()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { isMet, resolve };
      waiting.add(waiter);
      try {
        await untilAborted(promise, signal);
      } finally {
        waiting.delete(waiter);
      }
    },
    recheck() {
      for (const waiter of waiting) if (waiter.isMet()) waiter.resolve();
    },
    get size() {
      return waiting.size;
    },
  };
}
