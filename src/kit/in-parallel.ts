/**
 * Does `work` with each item, with `atOnce` of them at the same time. Once one has failed or `signal` has aborted no other is begun. Resolves, or rejects with
 * the first failure or the signal's reason, when no work runs any more.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let hasFailed = false;
  const workers = Array.from({ length: atOnce }, async () => {
    try {
      for (;;) {
        signal.throwIfAborted();
        const next = hasFailed ? { done: true as const } : queue.next();
        if (next.done === true) return;
        await work(next.value);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(workers);
  queue.return?.();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as Error;
}
