import type { KeySource } from './key-source.ts';

/** Objects that are kept up to date, as a cache has them. */
export interface ChangingObjects<T> {
  /** Tells of every object there is, and then of every change; undefined before it came and after it went. */
  onChange(handler: (before: T | undefined, after: T | undefined) => void): unknown;
  whenSynced(signal: AbortSignal): Promise<void>;
}

/**
 * The keys that `objects` concern: `keysOf` says which ones an object does. Both the old and the new object count, so that what an object
 * no longer concerns is looked at once more.
 */
export function createObjectSource<T>(
  objects: ChangingObjects<T>,
  keysOf: (object: T) => Iterable<string>,
): KeySource {
  return {
    onChange(handler) {
      objects.onChange((before, after) => {
        const keys = [before, after].flatMap((object) => (object === undefined ? [] : [...keysOf(object)]));
        for (const key of new Set(keys)) handler(key);
      });
    },
    whenSynced: (signal) => objects.whenSynced(signal),
  };
}
