/** Items that are worked on at the same time. */
const PARALLEL = 16;

/** Does `work` with some items at the same time. Ends with the first failure, when no work runs any more. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let running: Promise<void>[] = [];
  const settle = async (): Promise<void> => {
    const failed = (await Promise.allSettled(running)).find((one) => one.status === 'rejected');
    running = [];
    if (failed !== undefined) throw failed.reason as Error;
    signal.throwIfAborted();
  };
  for (const item of items) {
    running.push(work(item));
    if (running.length === PARALLEL) await settle();
  }
  await settle();
}
