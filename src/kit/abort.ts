/**
 * Waits for `promise`, and rejects with the signal's reason if `signal` aborts first or has aborted before. The work behind the
 * promise goes on, and its failure is no unhandled rejection. The listener is removed either way, so that it does not stay on a
 * long-lived signal.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
