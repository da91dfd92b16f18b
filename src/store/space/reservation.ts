import type { Ledger } from '../content/ledger.ts';

/** Who decides whether there is room. */
export interface Room {
  /** Makes sure that `bytes` fit, then calls `take` before anybody else can; throws `STORE_FULL`. */
  whenFits(upstream: string | undefined, bytes: number, take: () => void): Promise<void>;
}

/** Bytes promised to one file in `spool/`. Never less than the file has. */
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

  /** Asks for `bytes` more; throws `STORE_FULL`. */
  async grow(bytes: number): Promise<void> {
    await this.#room.whenFits(this.upstream, bytes, () => this.take(bytes));
  }

  /** Takes `bytes` more (negative: gives back) without asking. */
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
