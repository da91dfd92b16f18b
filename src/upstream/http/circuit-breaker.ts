import type { Clock } from '../../kit/clock.ts';

/** Consecutive failures that open a breaker. */
const THRESHOLD = 5;
/**
 * Time that a breaker stays open at first, and each later time. Both are below the 10 s after the end of a fault in which everything must
 * be normal again (docs/laws.md, "Do no harm").
 */
const FIRST_OPEN_MS = 5_000;
const LATER_OPEN_MS = 8_000;
/** A probe that hangs delays the next probe by no more than this. */
const PROBE_MS = 1_500;

/** Permission to send one request. Call one of the functions with the outcome, or neither when the caller gave the request up. */
export interface CircuitBreakerPass {
  /** The host answered, with whatever status. */
  succeeded(): void;
  /** There was no connection, or no answer in time. */
  failed(): void;
}

/**
 * Keeps requests from a host that does not answer. After 5 failures in a row a breaker is open: no request goes out for 5 s, then one
 * request probes. Each failed probe keeps the breaker open for 8 s. A success closes the breaker. From then on failures of requests that
 * began before the success do not count, so that neither a hanging path beside good answers nor the stragglers of a past fault open it.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #onChange: (isClosed: boolean) => void;
  #failures = 0;
  #open = false;
  #nextProbeAt = 0;
  /** Only failures of requests that began since then count. */
  #since = 0;

  /** Calls `onChange` with `false` when the breaker opens and with `true` when it closes again. */
  constructor(clock: Clock, onChange: (isClosed: boolean) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#since = clock.monotonic();
  }

  /** Milliseconds until a request may be sent; 0 for a request that may be sent now. */
  get waitMs(): number {
    return this.#open ? Math.max(0, this.#nextProbeAt - this.#clock.monotonic()) : 0;
  }

  /** Begins the request that `waitMs` 0 allows. In an open breaker the request is a probe, and the next one waits. */
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
    // Requests under way now say nothing about the host after the pause.
    this.#since = this.#nextProbeAt;
    if (this.#open) return;
    this.#open = true;
    this.#onChange(false);
  }
}
