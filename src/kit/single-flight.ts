import type { Clock } from './clock.ts';

/**
 * Joins concurrent calls for one key. The first call runs `work`, the others get its outcome, success or failure. A settled outcome
 * is not remembered.
 *
 * With `joining`, a call that comes more than `ms` after the first one runs work of its own. Only the early calls then wait for an
 * answer that was lost.
 */
export class SingleFlight<Key, Value> {
  readonly #flights = new Map<Key, { readonly value: Promise<Value>; readonly began: number }>();
  readonly #joining: Joining | undefined;

  constructor(joining?: Joining) {
    this.#joining = joining;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** True while a call for `key` runs that others may join. */
  has(key: Key): boolean {
    return this.#running(key) !== undefined;
  }

  do(key: Key, work: () => Promise<Value>): Promise<Value> {
    const running = this.#running(key);
    if (running !== undefined) return running;
    const value = work().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight = { value, began: this.#now() };
    this.#flights.set(key, flight);
    return value;
  }

  #running(key: Key): Promise<Value> | undefined {
    const flight = this.#flights.get(key);
    return flight === undefined || this.#now() - flight.began > (this.#joining?.ms ?? 0)
      ? undefined
      : flight.value;
  }

  /** Constant without `joining`: then a call can be joined until it settles. */
  #now(): number {
    return this.#joining?.clock.monotonic() ?? 0;
  }
}

export interface Joining {
  readonly clock: Clock;
  readonly ms: number;
}
