/** Waiting in tests: for a condition, or at a gate that the test opens. Nothing here sleeps for a guessed time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds after which waiting fails; 10 000 by default. */
  readonly limitMs?: number;
  /** Milliseconds between two checks; 5 by default. */
  readonly everyMs?: number;
  /** Name of the awaited thing, for the error message. */
  readonly what?: string;
}

/**
 * Calls `condition` again and again until it returns a truthy value, and returns that value. An error of the condition counts as
 * "not yet", and is the cause of a failure.
 *
 * @throws Error that names `what` after `limitMs`.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { limitMs = 10_000, everyMs = 5, what = condition.toString() }: WaitOptions = {},
): Promise<Truthy<T>> {
  let end = performance.now() + limitMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value) return value as Truthy<T>;
    } catch (error) {
      failure = error;
    }
    const looked = performance.now();
    if (looked >= end) {
      throw new Error(`waited ${limitMs} ms in vain for: ${what}`, { cause: failure });
    }
    await pause(everyMs);
    const lateMs = performance.now() - looked - everyMs;
    // A process that did not run itself cannot judge that the condition took too long.
    if (lateMs > PAUSED_MS) end += lateMs;
  }
}

/** A timer that is later than this shows that the process was kept from running. */
const PAUSED_MS = 500;

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
