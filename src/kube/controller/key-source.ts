/** Where a controller learns which keys to look at: a cache with a function from objects to keys, a timer, a watched file. */
export interface KeySource {
  /**
   * Calls `handler` for each key whose world may have changed, from the moment of this call on, the initial state included. It is called
   * synchronously and never throws; it may say too much, never too little.
   */
  onChange(handler: (key: string) => void): void;
  /** Resolves when the whole initial state has been passed on; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
}

/** Objects that are kept up to date, as a cache has them. */
export interface ObservableObjects<T> {
  /** Tells of every object there is, and then of every change; undefined before it came and after it went. */
  onChange(handler: (before: T | undefined, after: T | undefined) => void): unknown;
  whenSynced(signal: AbortSignal): Promise<void>;
}

/**
 * The keys that `objects` concern: `keysOf` says which ones an object does. Both the old and the new object count, so that what an object
 * no longer concerns is looked at once more.
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
