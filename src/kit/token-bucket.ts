import type { Clock } from './clock.ts';

export interface TokenBucketOptions {
  /** How many come back in a second. */
  readonly perSecond: number;
  /** How many are there after a long rest, and at the beginning. */
  readonly burst: number;
}

/** Leave to do something so and so often: `burst` times at once, `perSecond` in the long run. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #options: TokenBucketOptions;
  /** Below zero while tokens are lent out that have still to come back. */
  #tokens: number;
  #countedAt: number;

  constructor(clock: Clock, options: TokenBucketOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#tokens = options.burst;
    this.#countedAt = clock.monotonic();
  }

  /** Takes a token if there is one. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token, in advance where there is none, and says in how many milliseconds it may be used. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#options.perSecond) * 1000;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const back = ((now - this.#countedAt) / 1000) * this.#options.perSecond;
    this.#tokens = Math.min(this.#options.burst, this.#tokens + back);
    this.#countedAt = now;
  }
}
