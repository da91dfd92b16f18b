/** Source of keys for a controller: an object store with a function from objects to keys, a timer, a watched file. */
export interface KeySource {
  /**
   * Calls `handler` for each key that may need a reconcile, from now on, the initial state included. The calls are synchronous and
   * `handler` never throws. Superfluous calls are allowed, missing ones are not.
   */
  onChange(handler: (key: string) => void): void;
  /** Resolves once the whole initial state has been passed on. Rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
}

/** Objects that report their changes, such as an object store. */
export interface ObservableObjects<T> {
  /**
   * Calls `handler` for every existing object and then for every change. `before` is undefined for a new object, `after` for a deleted one.
   */
  onChange(handler: (before: T | undefined, after: T | undefined) => void): unknown;
  whenSynced(signal: AbortSignal): Promise<void>;
}

/**
 * Source of the keys of `objects`. `keysOf` returns the keys that an object concerns. The old and the new object both count, so a key that
 * an object no longer concerns is reconciled once more.
 */
export function createObjectSource<T>(
  objects: ObservableObjects<T>,
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
