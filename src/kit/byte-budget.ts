/** A limited number of bytes that tasks share. */
export interface ByteBudget {
  /** Bytes to reserve at the same time. */
  readonly limit: number;
  /** Bytes that nobody has reserved. */
  readonly free: number;
  /**
   * Reserves `bytes` until the result is disposed of. Waits for earlier callers, and then until so many bytes are free. Throws the signal's
   * reason. `bytes` is at most the limit of the budget.
   */
  reserve(bytes: number, signal: AbortSignal): Promise<Disposable>;
}

/** Creates a budget of `limit` bytes, all of them free. */
export function createByteBudget(limit: number): ByteBudget {
  let free = limit;
  const waiting = new Set<Waiter>();

  function take(bytes: number): Disposable {
    free -= bytes;
    let isHeld = true;
    return {
      [Symbol.dispose]() {
        if (!isHeld) return;
        isHeld = false;
        free += bytes;
        serve();
      },
    };
  }

  /** In order: a large request is not overtaken for ever by small ones. */
  function serve(): void {
    for (const waiter of waiting) {
      if (waiter.bytes > free) return;
      waiting.delete(waiter);
      waiter.grant(take(waiter.bytes));
    }
  }

  return {
    limit,
    get free() {
      return free;
    },
    async reserve(bytes, signal) {
      if (bytes > limit) throw new RangeError(`expected at most ${limit} bytes, found ${bytes}`);
      signal.throwIfAborted();
      if (waiting.size === 0 && bytes <= free) return take(bytes);
      return await new Promise<Disposable>((resolve, reject) => {
        const giveUp = (): void => {
          waiting.delete(waiter);
          reject(signal.reason as Error);
          // The next one may need less.
          serve();
        };
        const waiter: Waiter = {
          bytes,
          grant(reserved) {
            signal.removeEventListener('abort', giveUp);
            resolve(reserved);
          },
        };
        waiting.add(waiter);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}

interface Waiter {
  readonly bytes: number;
  readonly grant: (reserved: Disposable) => void;
}
