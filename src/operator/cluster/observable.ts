/** A value with change handlers. */
export interface Observable<T> {
  get(): T;
  set(next: T): void;
  /** Calls `handler` after every change. */
  onChange(handler: () => void): void;
}

/** Values are equal if `textOf` gives the same text for both. */
export function createObservable<T>(first: T, textOf: (value: T) => string): Observable<T> {
  let current = first;
  const handlers = new Set<() => void>();
  return {
    get: () => current,
    set(next) {
      if (textOf(current) === textOf(next)) return;
      current = next;
      for (const handler of handlers) handler();
    },
    onChange: (handler) => void handlers.add(handler),
  };
}
