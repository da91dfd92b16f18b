/** Waits for a condition, or at a gate that the test opens. Nothing here sleeps for a guessed time. */
import { setTimeout as pause } from 'node:timers/promises';
import { machineOf, measure, type Measurement } from './machine.ts';

export interface WaitOptions {
  /** Milliseconds after which waiting fails on a quiet machine; 10 000 by default. */
  readonly limitMs?: number;
  /** Milliseconds between two checks; 5 by default. */
  readonly everyMs?: number;
  /** Name of the awaited thing, for the error message. */
  readonly what?: string;
}

/**
 * Calls `condition` again and again until it returns a truthy value, and returns that value. An error of the condition counts as
 * "not yet", and is the cause of a failure. Once `limitMs` has passed, the machine is measured, and a slow one gets more time.
 *
 * @throws Error that names `what` when the limit has passed.
 */
export const waitFor = createWaitFor(measure);

/** A {@link waitFor} on a machine that measures so. */
export function createWaitFor(measure: () => Promise<Measurement>) {
  return async function waitFor<T>(
    condition: () => T | Promise<T>,
    { limitMs = 10_000, everyMs = 5, what = condition.toString() }: WaitOptions = {},
  ): Promise<Truthy<T>> {
    let begin = performance.now();
    let limit = Infinity;
    for (;;) {
      let failure: unknown;
      try {
        const value = await condition();
        if (value) return value as Truthy<T>;
      } catch (error) {
        failure = error;
      }
      const waitedMs = performance.now() - begin;
      if (waitedMs >= limit) throw new Error(`waited ${limit} ms in vain for: ${what}`, { cause: failure });
      if (waitedMs >= limitMs && limit === Infinity) limit = machineOf(await measure()).limit(limitMs);
      const rested = performance.now();
      await pause(everyMs);
      const lateMs = performance.now() - rested - everyMs;
      // A process that did not run itself cannot judge that the condition took too long.
      if (lateMs > STOPPED_MS) begin += lateMs;
    }
  };
}

/** A timer that is later than this shows that the process was kept from running. */
const STOPPED_MS = 500;

export type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/** A gate that stays shut until the test opens it, and then stays open. */
export interface Gate {
  readonly isOpen: boolean;
  /** Resolves when the gate is opened; at once when it is open. */
  readonly passed: Promise<void>;
  open(): void;
}

/** A shut {@link Gate}. */
export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOpen = false;
  return {
    get isOpen() {
      return isOpen;
    },
    passed: promise,
    open() {
      isOpen = true;
      resolve();
    },
  };
}
