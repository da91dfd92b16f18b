import type { Clock } from '../../kit/clock.ts';

/**
 * Runs `callback` after `ms`, once the sockets were looked at: a process that was late itself finds what has arrived meanwhile before it says that
 * nothing has. The returned function cancels.
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
