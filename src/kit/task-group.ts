import { errorText, LarderError } from './errors.ts';
import type { Logger } from './logger.ts';

/**
 * Owns background jobs. Every job that its starter does not await belongs to a group, which aborts the job and waits for it when the group
 * closes. A failed job is logged once, here.
 */
export class TaskGroup {
  readonly #logger: Logger;
  readonly #controller = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Aborts with `SHUTTING_DOWN` when the group closes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Starts `job` now. Its failure is logged as `name`, unless the group is closing. */
  run(name: string, job: (signal: AbortSignal) => Promise<void>): void {
    const running = job(this.signal)
      .catch((error: unknown) => {
        if (!this.signal.aborted)
          this.#logger.error('background job failed', { job: name, error: errorText(error) });
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Aborts every job and resolves once the last has ended. */
  async close(): Promise<void> {
    this.#controller.abort(new LarderError('SHUTTING_DOWN', 'Larder is stopping'));
    await this.idle();
  }

  /** Resolves once no job runs, without aborting any. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
