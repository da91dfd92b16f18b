import type { Clock } from '../../kit/clock.ts';

/**
 * `open`: requests go to the cache. `suspect`: the last attempt failed; requests go to the origin at once, and the next probe
 * decides. `closed`: containerd is not pointed at the cache.
 */
export type GateState = 'open' | 'suspect' | 'closed';

/** Leave to try the cache once, by probe or by relay. Say how it went, or nothing when it was given up. */
export interface Attempt {
  /** The cache answered, with whatever status. The answer may still break off. */
  succeeded(): void;
  /** No connection, no answer in time, or an answer that broke off; `why` for whoever asks for the gate's problem. */
  failed(why: string): void;
}

/** Failures, one after the other, that close it. */
const IN_A_ROW = 3;
/** Failures within {@link WINDOW_MS} that close it, with successes in between. */
const IN_WINDOW = 5;
const WINDOW_MS = 30_000;
/** Successes in a row that open it: the first time, and after a closing. */
const FIRST_SUCCESSES = 1;
const LATER_SUCCESSES = 3;
/** Closing again within {@link CALM_MS} of the opening doubles what the next opening takes, up to this. */
const MOST_SUCCESSES = 24;
const CALM_MS = 60_000;

/**
 * Decides whether a cache can be relied on. It is quick to send requests elsewhere, where they cost nothing but the traffic, and slow to
 * change what containerd is told: a cache that comes and goes does not rewrite files every second.
 *
 * A failure of an attempt that began, or had its answer, before the last outcome is old news: twenty connections that break at once are one failure, and a
 * path that hangs beside good answers is none.
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

  /** `onChange` hears of each change of the state, and of another problem while it is closed. */
  constructor(clock: Clock, onChange: (state: GateState) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get state(): GateState {
    return this.#state;
  }

  /** Why it is not open: the failure that counted last. Empty when it is, and before the first failure. */
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
