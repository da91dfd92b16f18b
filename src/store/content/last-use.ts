import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kit/clock.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { Ledger } from './ledger.ts';
import { worthAfterUse } from '../index/worth.ts';

/** Uses noted between two flushes at most, about 10 MB. Further uses are dropped, which makes their content look a little older. */
const LIMIT = 65_536;
/** Uses written in one transaction. Each blocks the event loop for 50 us. */
const BATCH = 64;

/**
 * Last uses of content, in memory until they are written together with the new worth. A note costs 0.2 us. Uses between two flushes count as
 * one. A crash loses a few seconds of them.
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

  /** Writes the uses noted before the call, in batches between which the event loop runs. */
  async flush(): Promise<void> {
    const noted = [...this.#noted];
    this.#noted = new Map();
    for (let at = 0; at < noted.length; at += BATCH) {
      if (at > 0) await nextTurn();
      this.#index.transaction(() => {
        for (const [digest, usedAt] of noted.slice(at, at + BATCH)) this.#write(digest, usedAt);
      });
    }
  }

  #write(digest: Digest, usedAt: number): void {
    const last = this.#index.useRecord(digest);
    if (last === undefined) return;
    this.#index.setUsed(digest, usedAt, worthAfterUse(last, usedAt, this.#ledger.smallestLimit));
  }
}
