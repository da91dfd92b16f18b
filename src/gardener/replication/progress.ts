import { sleep, type Clock } from '../../kit/clock.ts';

/** The step of a take-down, for the text of its end by time. */
export interface Progress {
  /** Kinds and numbers alone: the text reaches the garden. */
  left: string;
}

const POLL_MS = 1000;

/** Asks once a second until the answer is yes, without an end of its own. */
export async function poll(clock: Clock, signal: AbortSignal, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await sleep(clock, POLL_MS, signal);
}
