import { LarderError } from '../../kit/errors.ts';
import type { Evictor } from './evictor.ts';
import type { Ledger, Scope } from '../content/ledger.ts';
import { Reservation } from './reservation.ts';

/** Share of a lowered limit that is freed in one turn, so that fills that need room wait for a part only. */
const TRIM_STEP = 0.02;

/**
 * Reserves bytes before they are written, so that no limit is exceeded however many fills run. A reservation counts like bytes on disk
 * from its beginning. Missing room is made by eviction, for one reservation at a time.
 */
export class Budget {
  readonly #ledger: Ledger;
  readonly #evictor: Pick<Evictor, 'free'>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: { ledger: Ledger; evictor: Pick<Evictor, 'free'> }) {
    this.#ledger = deps.ledger;
    this.#evictor = deps.evictor;
  }

  /** Throws `STORE_FULL` if `bytes` do not fit even after eviction. Evicts nothing if that is clear beforehand. */
  async reserve(upstream: string, bytes: number): Promise<Reservation> {
    const reservation = new Reservation(this, this.#ledger, upstream);
    await reservation.grow(bytes);
    return reservation;
  }

  /** Counts bytes that are on disk already, even above a limit. */
  adopt(upstream: string | undefined, bytes: number): Reservation {
    const reservation = new Reservation(this, this.#ledger, upstream);
    reservation.take(bytes);
    return reservation;
  }

  /** Makes sure that `bytes` fit for `upstream`, then calls `take` before any other reservation can. */
  async whenFits(upstream: string | undefined, bytes: number, take: () => void): Promise<void> {
    const scopes: Scope[] = upstream === undefined ? [undefined] : [upstream, undefined];
    const short = () => scopes.find((scope) => this.#ledger.lack(scope, bytes) > 0);
    const fits = () => scopes.every((scope) => this.#ledger.lack(scope, bytes) <= 0);
    if (fits()) {
      take();
      return;
    }
    await this.#inTurn(async () => {
      // Another reservation may take the freed bytes before this one continues; then more is evicted.
      while (!fits()) {
        const scope = short();
        const freed = await this.#evictor.free(scope, this.#ledger.lack(scope, bytes), 'budget');
        if (!freed) throw full(scope, bytes, this.#ledger);
      }
      take();
    });
  }

  /** Evicts until every limit holds, for example after one was lowered. */
  async trim(): Promise<void> {
    for (const scope of this.#ledger.scopesOver()) {
      const step = Math.ceil((this.#ledger.limitOf(scope) ?? 0) * TRIM_STEP);
      for (let freed = true; freed && this.#ledger.lack(scope, 0) > 0;) {
        const bytes = Math.min(step, this.#ledger.lack(scope, 0));
        freed = await this.#inTurn(() => this.#evictor.free(scope, bytes, 'budget'));
      }
    }
  }

  /** Evicts `bytes` on a disk that other files have filled. False if that is not possible. */
  async freeDisk(bytes: number): Promise<boolean> {
    return this.#inTurn(() => this.#evictor.free(undefined, bytes, 'disk-full'));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function full(scope: Scope, bytes: number, ledger: Ledger): LarderError {
  const place = scope === undefined ? 'the store' : `the budget of ${scope}`;
  const limit = ledger.limitOf(scope);
  return new LarderError(
    'STORE_FULL',
    `${place} has no room for ${bytes} bytes: ${ledger.usedBy(scope)} of ${limit} are used and the rest cannot be evicted now`,
  );
}
