import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kit/clock.ts';

/** Short synchronous work that goes on until it is done, while other work of the process goes on too. */
export interface Slices {
  readonly clock: Clock;
  /** Ends the work between two slices. */
  readonly signal: AbortSignal;
}

/** One slice ends after this time, in milliseconds, or after this many items. Bounds the delay of a request beside it. */
const SLICE_MS = 1;
const SLICE_ITEMS = 64;

/**
 * Hands `items` to `work` in slices, with a turn of the event loop after each. `work` must iterate over its slice to the end, in one go.
 * Rejects with the signal's reason when it aborts.
 */
export async function inSlices<T>(
  { clock, signal }: Slices,
  items: readonly T[],
  work: (slice: Iterable<T>) => void,
): Promise<void> {
  let at = 0;
  while (at < items.length) {
    signal.throwIfAborted();
    work(slice(at, clock.monotonic()));
    await nextTurn();
  }

  function* slice(from: number, startedAt: number): Generator<T> {
    do {
      yield items[at++]!;
    } while (at < items.length && at < from + SLICE_ITEMS && clock.monotonic() - startedAt < SLICE_MS);
  }
}
