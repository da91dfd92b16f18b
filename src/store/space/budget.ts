import { LarderError } from '../../kit/errors.ts';
import type { Evictor } from './evictor.ts';
import type { Ledger, Scope } from '../content/ledger.ts';
import { Reservation } from './reservation.ts';

/** Share of a limit that is freed in one turn when a limit was lowered: fills that need room do not wait for all of it. */
const TRIM_STEP = 0.02;

/**
 * Hands out bytes before they are written, so that no limit is exceeded however many fills run: a reservation counts like
 * bytes on disk from the moment it is given. What is missing is evicted, one reservation at a time.
 */
export class Budget {
  readonly #ledger: Ledger;
  readonly #evictor: Pick<Evictor, 'free'>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: { ledger: Ledger; evictor: Pick<Evictor, 'free'> }) {
    this.#ledger = deps.ledger;
    this.#evictor = deps.evictor;
  }

  /** Throws `STORE_FULL` when `bytes` do not fit even after eviction; nothing is evicted when that is clear beforehand. */
  async reserve(upstream: string, bytes: number): Promise<Reservation> {
    const reservation = new Reservation(this, this.#ledger, upstream);
    await reservation.grow(bytes);
    return reservation;
  }

  /** Counts bytes that are on disk already, whatever the limits say. */
  adopt(upstream: string | undefined, bytes: number): Reservation {
    const reservation = new Reservation(this, this.#ledger, upstream);
    reservation.take(bytes);
    return reservation;
  }

  /** Makes sure that `bytes` fit for `upstream`, then calls `take` before anybody else can. */
  async whenFits(upstream: string | undefined, bytes: number, take: () => void): Promise<void> {
    const scopes: Scope[] = upstream === undefined ? [undefined] : [upstream, undefined];
    const short = () => scopes.find((scope) => this.#ledger.lack(scope, bytes) > 0);
    const fits = () => scopes.every((scope) => this.#ledger.lack(scope, bytes) <= 0);
    if (fits()) {
      take();
      return;
    }
    await this.#inTurn(async () => {
      // Others may take what was freed before this goes on: then more has to go.
      while (!fits()) {
        const scope = short();
        const freed = await this.#evictor.free(scope, this.#ledger.lack(scope, bytes), 'budget');
        if (!freed) throw full(scope, bytes, this.#ledger);
      }
      take();
    });
  }

  /** Evicts until every limit holds, as after a limit was lowered. */
  async trim(): Promise<void> {
    for (const scope of this.#ledger.scopesOver()) {
      const step = Math.ceil((this.#ledger.limitOf(scope) ?? 0) * TRIM_STEP);
      for (let went = true; went && this.#ledger.lack(scope, 0) > 0;) {
        const bytes = Math.min(step, this.#ledger.lack(scope, 0));
        went = await this.#inTurn(() => this.#evictor.free(scope, bytes, 'budget'));
      }
    }
  }

  /** Frees disk that others have taken. */
  async relieve(bytes: number): Promise<boolean> {
    return this.#inTurn(() => this.#evictor.free(undefined, bytes, 'disk-full'));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function full(scope: Scope, bytes: number, ledger: Ledger): LarderError {
  const whose = scope === undefined ? 'the store' : `the budget of ${scope}`;
  const limit = ledger.limitOf(scope);
  return new LarderError(
    'STORE_FULL',
    `${whose} has no room for ${bytes} bytes: ${ledger.usedBy(scope)} of ${limit} are used and the rest cannot be evicted now`,
  );
}
