/**
 * Waits for `promise` no longer than `signal` allows: rejects with the signal's reason when it aborts first, or has aborted before. What
 * the promise stands for goes on, and its failure is nobody's unhandled rejection. The listener is removed either way, so long-lived
 * signals do not gather them.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
