/** Pages of a sorted list, by `n` and `last` (distribution-spec v1.1.1, "Listing Tags"). */

export interface Page<T> {
  readonly items: readonly T[];
  /** The value of `last` for the next page, when there is one. */
  readonly next: string | undefined;
}

/**
 * The page of `items` (sorted by `key`) after `last`, which need not be among them; at most `n` items. The page for `n=0` is empty and has
 * no next one.
 */
export function pageOf<T>(
  items: readonly T[],
  key: (item: T) => string,
  n: number | undefined,
  last: string | undefined,
): Page<T> {
  const rest = last === undefined ? items : items.filter((item) => key(item) > last);
  const page = n === undefined ? rest : rest.slice(0, n);
  const final = page.at(-1);
  return { items: page, next: final !== undefined && page.length < rest.length ? key(final) : undefined };
}

/** Reads `n`: a whole number, else undefined. */
export function parseCount(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
