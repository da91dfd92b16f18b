/** A value that tells when it is another. */
export interface Observable<T> {
  get(): T;
  set(next: T): void;
  /** Tells of every change. */
  onChange(handler: () => void): void;
}

/** `textOf` is the same of values that are the same. */
export function createChanging<T>(first: T, textOf: (value: T) => string): Observable<T> {
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
