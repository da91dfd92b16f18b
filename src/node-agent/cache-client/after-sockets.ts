import type { Clock } from '../../kit/clock.ts';

/**
 * Runs `callback` after `ms`, but not before the event loop has read the sockets. A process that was busy meanwhile finds what arrived
 * before it declares silence. The returned function cancels.
 */
export function afterSockets(clock: Clock, ms: number, callback: () => void): () => void {
  let last: NodeJS.Immediate | undefined;
  const cancel = clock.after(ms, () => {
    last = setImmediate(callback);
  });
  return () => {
    cancel();
    clearImmediate(last);
  };
}
