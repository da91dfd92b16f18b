import type { Clock } from '../../kit/clock.ts';

/** Remembers since when something that has no time of its own is so, in milliseconds since the epoch; undefined while it is not. */
export function createSince(clock: Clock): (isSo: boolean) => number | undefined {
  let since: number | undefined;
  return (isSo) => {
    since = isSo ? (since ?? clock.now()) : undefined;
    return since;
  };
}
