import { untilAborted } from '../../kit/abort.ts';

/** Callers that wait for a condition. */
export interface Waiters {
  /** Resolves once `isMet` is true, now or at a later {@link Waiters.recheck}. Rejects with the signal's reason. */
  until(isMet: () => boolean, signal: AbortSignal): Promise<void>;
  /** Checks all conditions after a change. */
  recheck(): void;
  readonly size: number;
}

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
