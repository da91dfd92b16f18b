import type { Clock } from '../../kit/clock.ts';

/** Consecutive failures that open it. */
const THRESHOLD = 5;
/** How long it stays open: the first time, and each later time. Contract: after the end of a fault all is normal within 10 s. */
const FIRST_OPEN_MS = 5_000;
const LATER_OPEN_MS = 8_000;
/** A probe that hangs does not keep the next one waiting for longer than this. */
const PROBE_MS = 1_500;

/** Leave to send one request. Say how it went, or nothing when it was given up. */
export interface CircuitBreakerPass {
  /** The host answered, with whatever status. */
  succeeded(): void;
  /** No connection, or no answer in time. */
  failed(): void;
}

/**
 * Keeps requests from a host that does not answer. After 5 failures in a row it is open: nothing is sent for 5 s, then one
 * request probes; as long as that fails, 8 s each time. A success closes it, and makes failures of requests that began
 * earlier old news; so neither a hanging path beside good answers nor the stragglers of a fault that is over open it.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #onChange: (closed: boolean) => void;
  #failures = 0;
  #open = false;
  #nextProbeAt = 0;
  /** Only failures of requests that began since then count. */
  #since = 0;

  /** `onChange` hears `false` when it opens and `true` when it closes again. */
  constructor(clock: Clock, onChange: (closed: boolean) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#since = clock.monotonic();
  }

  /** Milliseconds until a request may be sent; 0 when it may be sent now. */
  get waitMs(): number {
    return this.#open ? Math.max(0, this.#nextProbeAt - this.#clock.monotonic()) : 0;
  }

  /** Takes the leave that `waitMs` 0 promises. Of an open breaker it is a probe, and the next one waits. */
  pass(): CircuitBreakerPass {
    const began = this.#clock.monotonic();
    if (this.#open) {
      this.#since = began;
      this.#nextProbeAt = began + PROBE_MS;
    }
    return {
      succeeded: () => this.#succeeded(),
      failed: () => {
        if (began >= this.#since) this.#failed();
      },
    };
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#since = this.#clock.monotonic();
    if (!this.#open) return;
    this.#open = false;
    this.#onChange(true);
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#failures < THRESHOLD) return;
    const now = this.#clock.monotonic();
    this.#nextProbeAt = now + (this.#open ? LATER_OPEN_MS : FIRST_OPEN_MS);
    // What is under way now says nothing about the host after the pause.
    this.#since = this.#nextProbeAt;
    if (this.#open) return;
    this.#open = true;
    this.#onChange(false);
  }
}
