/** Index of things by values they have, such as their namespace or the Secret they name. */
export interface ObjectIndex<T> {
  /** Indexes `thing` under `values`, and replaces the previous entry of `id`. */
  set(id: string, thing: T, values: readonly string[]): void;
  delete(id: string): void;
  at(value: string): readonly T[];
}

/** Creates an empty index. */
export function createObjectIndex<T>(): ObjectIndex<T> {
  const byValue = new Map<string, Map<string, T>>();
  /** Values under which each id is indexed. */
  const valuesById = new Map<string, readonly string[]>();

  function remove(id: string): void {
    for (const value of valuesById.get(id) ?? []) {
      const things = byValue.get(value);
      things?.delete(id);
      if (things?.size === 0) byValue.delete(value);
    }
    valuesById.delete(id);
  }

  return {
    set(id, thing, values) {
      remove(id);
      valuesById.set(id, values);
      for (const value of values) {
        const things = byValue.get(value) ?? new Map<string, T>();
        byValue.set(value, things.set(id, thing));
      }
    },
    delete: remove,
    at: (value) => [...(byValue.get(value)?.values() ?? [])],
  };
}
