import type { Ledger } from '../content/ledger.ts';

/** Decides whether there is room. */
interface Room {
  /** Makes sure that `bytes` fit, then calls `take` before any other reservation can. Throws `STORE_FULL`. */
  whenFits(upstream: string | undefined, bytes: number, take: () => void): Promise<void>;
}

/** Bytes reserved for one file in `spool/`. Never less than the file has. */
export class Reservation {
  readonly upstream: string | undefined;
  readonly #room: Room;
  readonly #ledger: Ledger;
  #bytes = 0;

  constructor(room: Room, ledger: Ledger, upstream: string | undefined) {
    this.#room = room;
    this.#ledger = ledger;
    this.upstream = upstream;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Reserves `bytes` more. Throws `STORE_FULL`. */
  async grow(bytes: number): Promise<void> {
    await this.#room.whenFits(this.upstream, bytes, () => this.take(bytes));
  }

  /** Takes `bytes` more (negative: gives them back), whether they fit or not. */
  take(bytes: number): void {
    this.#bytes += bytes;
    this.#ledger.reserve(this.upstream, bytes);
  }

  shrinkTo(bytes: number): void {
    if (bytes < this.#bytes) this.take(bytes - this.#bytes);
  }

  release(): void {
    this.shrinkTo(0);
  }
}
