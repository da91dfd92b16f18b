import type { Clock } from '../kit/clock.ts';
import type { Digest } from '../oci/digest.ts';
import type { ContentIndex } from './content-index.ts';

/** Uses noted at most between two flushes, about 10 MB; more are not noted, which makes their content look a little older. */
const LIMIT = 65_536;
/** Uses written in one transaction, 30 us each: what the loop stands still for. */
const BATCH = 128;

/** When content was last used, in memory until it is written: a note costs 0.2 us. A crash loses a few seconds of it. */
export class LastUse {
  readonly #index: ContentIndex;
  readonly #clock: Clock;
  #noted = new Map<Digest, number>();

  constructor(deps: { index: ContentIndex; clock: Clock }) {
    this.#index = deps.index;
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
        for (const [digest, usedAt] of noted.slice(at, at + BATCH)) this.#index.setUsed(digest, usedAt);
      });
    }
  }
}
