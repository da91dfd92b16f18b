import { sleep, type Clock } from './clock.ts';

export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens after a long rest, and at the beginning. */
  readonly burst: number;
}

/** Limits a rate: `burst` times at once, `perSecond` in the long run. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** Below zero while reserved tokens have not come back. */
  #tokens: number;
  #countedAt: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#countedAt = clock.monotonic();
  }

  /** Takes a token if there is one, and returns false if not. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token, in advance if there is none, and returns the milliseconds until it may be used. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#rate.perSecond) * 1000;
  }

  /** Resolves at the caller's turn, first come first served. Rejects with the signal's reason and then gives the token back. */
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
