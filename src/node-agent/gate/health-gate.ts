import type { Clock } from '../../kit/clock.ts';

/**
 * `open`: requests go to the cache. `suspect`: the last attempt failed, requests go to the origin at once, and the next probe decides.
 * `closed`: containerd is not pointed at the cache.
 */
export type GateState = 'open' | 'suspect' | 'closed';

/** One attempt to reach the cache, by probe or relay. Its outcome is reported, or nothing if it was given up. */
export interface Attempt {
  /** The cache answered, with any status. The answer may still break off. */
  succeeded(): void;
  /** No connection, no answer in time, or an answer that broke off. `why` becomes the gate's problem. */
  failed(why: string): void;
}

/** Failures in a row that close the gate. */
const IN_A_ROW = 3;
/** Failures within {@link WINDOW_MS} that close the gate in spite of successes in between. */
const IN_WINDOW = 5;
const WINDOW_MS = 30_000;
/** Successes in a row that open the gate: the first time, and after a closing. */
const FIRST_SUCCESSES = 1;
const LATER_SUCCESSES = 3;
/** Closing again within {@link CALM_MS} of the opening doubles the successes that the next opening takes, up to this limit. */
const MOST_SUCCESSES = 24;
const CALM_MS = 60_000;

/**
 * Decides whether requests go to a cache. It sends requests elsewhere quickly, where they cost nothing but traffic. It changes the
 * hosts.toml files slowly, so an unstable cache does not rewrite them every second.
 *
 * A failure is ignored if its attempt began, or got its answer, before the last outcome. So twenty connections that break at once count as
 * one failure, and a path that hangs beside good answers counts as none.
 */
export class HealthGate {
  readonly #clock: Clock;
  readonly #onChange: (state: GateState) => void;
  #state: GateState = 'closed';
  #problem = '';
  #failuresInARow = 0;
  #failedAt: number[] = [];
  #successes = 0;
  #needed = FIRST_SUCCESSES;
  #openedAt = 0;
  #lastOutcomeAt = -Infinity;
  #lastSuccessAt = -Infinity;

  /** Calls `onChange` with each change of the state, and with another problem while the gate is closed. */
  constructor(clock: Clock, onChange: (state: GateState) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get state(): GateState {
    return this.#state;
  }

  /** The failure that counted last. Empty while the gate is open and before the first failure. */
  get problem(): string {
    return this.#problem;
  }

  /** Milliseconds since the cache last answered. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastSuccessAt;
  }

  attempt(): Attempt {
    let heardAt = this.#clock.monotonic();
    return {
      succeeded: () => {
        this.#succeeded();
        heardAt = this.#lastOutcomeAt;
      },
      failed: (why) => {
        if (heardAt >= this.#lastOutcomeAt) this.#failed(why);
      },
    };
  }

  #succeeded(): void {
    this.#lastOutcomeAt = this.#lastSuccessAt = this.#clock.monotonic();
    this.#failuresInARow = 0;
    if (this.#state === 'suspect') this.#become('open');
    if (this.#state !== 'closed') return;
    this.#successes += 1;
    if (this.#successes < this.#needed) return;
    this.#openedAt = this.#lastOutcomeAt;
    this.#become('open');
  }

  #failed(why: string): void {
    const now = this.#clock.monotonic();
    const isOtherProblem = why !== this.#problem;
    this.#lastOutcomeAt = now;
    this.#successes = 0;
    this.#problem = why;
    if (this.#state === 'closed') {
      if (isOtherProblem) this.#onChange('closed');
      return;
    }
    this.#failuresInARow += 1;
    this.#failedAt = [...this.#failedAt.filter((at) => now - at < WINDOW_MS), now];
    if (this.#failuresInARow < IN_A_ROW && this.#failedAt.length < IN_WINDOW) {
      this.#become('suspect');
      return;
    }
    const isFlapping = now - this.#openedAt < CALM_MS;
    this.#needed = isFlapping
      ? Math.min(MOST_SUCCESSES, Math.max(LATER_SUCCESSES, 2 * this.#needed))
      : LATER_SUCCESSES;
    this.#failuresInARow = 0;
    this.#failedAt = [];
    this.#become('closed');
  }

  #become(state: GateState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'open') this.#problem = '';
    this.#onChange(state);
  }
}
