/** Item of one {@link Heap} at a time. It knows its position, so it can be removed from anywhere. */
export interface HeapItem {
  /** Maintained by the heap; -1 outside of any. */
  position: number;
}

/** Binary heap: the first item in the order of `before` comes out first. Every change takes logarithmic time. */
export class Heap<T extends HeapItem> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#put(item, this.#items.length);
    this.#rise(item);
  }

  pop(): T | undefined {
    const first = this.first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes `item` from any position. */
  remove(item: T): void {
    const hole = item.position;
    const last = this.#items.pop();
    item.position = -1;
    if (last === undefined || last === item) return;
    this.#put(last, hole);
    this.#rise(last);
    this.#sink(last);
  }

  #put(item: T, position: number): void {
    this.#items[position] = item;
    item.position = position;
  }

  #rise(item: T): void {
    while (item.position > 0) {
      const above = this.#items[(item.position - 1) >> 1];
      if (above === undefined || !this.#before(item, above)) return;
      this.#swap(item, above);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.position + 1];
      const right = this.#items[2 * item.position + 2];
      const below = left !== undefined && right !== undefined && this.#before(right, left) ? right : left;
      if (below === undefined || !this.#before(below, item)) return;
      this.#swap(below, item);
    }
  }

  #swap(a: T, b: T): void {
    const position = a.position;
    this.#put(a, b.position);
    this.#put(b, position);
  }
}
