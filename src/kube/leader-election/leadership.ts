import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';

/**
 * One term of leadership, from the first renewal to its end. It ends when no renewal has succeeded for `renewMs`, measured on the monotonic
 * clock from the time the last successful one was *sent*. Other replicas count from when they see it, which is later, and wait longer.
 */
export class Leadership {
  readonly #clock: Clock;
  readonly #renewMs: number;
  readonly #controller = new AbortController();
  #deadline = 0;
  #cancel = (): void => {};

  constructor(clock: Clock, renewMs: number, sentAt: number) {
    this.#clock = clock;
    this.#renewMs = renewMs;
    this.#extend(sentAt);
  }

  /** Aborts with `LEADERSHIP_LOST`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * True while this process leads. Checked before anything that only a leader may do: after a gap in the event loop the deadline may have
   * passed before the timer that aborts `signal` has fired.
   */
  isLive(): boolean {
    if (!this.signal.aborted && this.#clock.monotonic() >= this.#deadline)
      this.lose(`the lease was not renewed for ${this.#renewMs} ms`);
    return !this.signal.aborted;
  }

  /** Throws `LEADERSHIP_LOST` unless {@link Leadership.isLive}. */
  assertLive(): void {
    if (!this.isLive()) throw this.signal.reason;
  }

  /** Extends the term: a renewal sent at `sentAt` has succeeded. Ignored if its answer came too late. */
  renewed(sentAt: number): void {
    if (this.isLive()) this.#extend(sentAt);
  }

  lose(why: string): void {
    this.#cancel();
    this.#controller.abort(
      new LarderError('LEADERSHIP_LOST', `this process no longer leads: ${why}`, {
        hint: 'it ends, so that another may lead',
      }),
    );
  }

  /** Stops the deadline, after all work has ended. */
  end(): void {
    this.#cancel();
  }

  #extend(sentAt: number): void {
    this.#cancel();
    this.#deadline = sentAt + this.#renewMs;
    const left = Math.max(0, Math.ceil(this.#deadline - this.#clock.monotonic()));
    this.#cancel = this.#clock.after(left, () => this.#atDeadline());
  }

  /** A timer may fire a fraction of a millisecond early. */
  #atDeadline(): void {
    if (this.isLive()) this.#cancel = this.#clock.after(1, () => this.#atDeadline());
  }
}
