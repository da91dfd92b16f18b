import { sleep, type Clock } from './clock.ts';

export interface Rate {
  /** How many come back in a second. */
  readonly perSecond: number;
  /** How many are there after a long rest, and at the beginning. */
  readonly burst: number;
}

/** Leave to do something so and so often: `burst` times at once, `perSecond` in the long run. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** Below zero while tokens are lent out that have still to come back. */
  #tokens: number;
  #countedAt: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
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
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#rate.perSecond) * 1000;
  }

  /** Resolves when it is the caller's turn, first come first served; rejects with the signal's reason, and costs nothing then. */
  async wait(signal: AbortSignal): Promise<void> {
    const waitMs = this.reserve();
    if (waitMs === 0 && !signal.aborted) return;
    try {
      await sleep(this.#clock, waitMs, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const back = ((now - this.#countedAt) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + back);
    this.#countedAt = now;
  }
}
