/**
 * Joins concurrent calls for one key: the first runs `work`, the others get its outcome, success or failure. Nothing is
 * remembered once it has settled.
 */
export class SingleFlight<Key, Value> {
  readonly #flights = new Map<Key, Promise<Value>>();

  get size(): number {
    return this.#flights.size;
  }

  /** True while a call for `key` runs. */
  has(key: Key): boolean {
    return this.#flights.has(key);
  }

  do(key: Key, work: () => Promise<Value>): Promise<Value> {
    const running = this.#flights.get(key);
    if (running !== undefined) return running;
    const flight = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
