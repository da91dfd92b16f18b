import type { Clock } from '../../kit/clock.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { Ledger } from './ledger.ts';
import { worthAfterUse } from '../index/worth.ts';

/** Uses noted at most between two flushes, about 10 MB; more are not noted, which makes their content look a little older. */
const LIMIT = 65_536;
/** Uses written in one transaction, 50 us each: what the loop stands still for. */
const BATCH = 64;

/**
 * When content was last used, in memory until it is written together with what it is worth then: a note costs 0.2 us. Uses
 * between two flushes are one. A crash loses a few seconds of them.
 */
export class LastUse {
  readonly #index: ContentIndex;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  #noted = new Map<Digest, number>();

  constructor(deps: { index: ContentIndex; ledger: Ledger; clock: Clock }) {
    this.#index = deps.index;
    this.#ledger = deps.ledger;
    this.#clock = deps.clock;
  }

  note(digest: Digest): void {
    if (this.#noted.size < LIMIT || this.#noted.has(digest)) this.#noted.set(digest, this.#clock.now());
  }

  /** Writes what was noted before the call, in batches between which others get their turn. */
  async flush(): Promise<void> {
    const noted = [...this.#noted];
    this.#noted = new Map();
    for (let at = 0; at < noted.length; at += BATCH) {
      if (at > 0) await new Promise(setImmediate);
      this.#index.transaction(() => {
        for (const [digest, usedAt] of noted.slice(at, at + BATCH)) this.#write(digest, usedAt);
      });
    }
  }

  #write(digest: Digest, usedAt: number): void {
    const valued = this.#index.valued(digest);
    if (valued === undefined) return;
    this.#index.setUsed(digest, usedAt, worthAfterUse(valued, usedAt, this.#ledger.smallestLimit));
  }
}
