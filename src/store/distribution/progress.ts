import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/** Milliseconds between two log lines about an adoption. */
const REPORT_MS = 10_000;

/** Counts of an adoption, and the log lines about them. */
export class Progress {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #reportAt: number;
  blobs = 0;
  links = 0;
  tags = 0;
  repositories = 0;
  /** Blobs, links and folders of this pass that could not be adopted. */
  failed = 0;
  /** Reason of the last failure that the disk gave. */
  error: string | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#reportAt = clock.monotonic() + REPORT_MS;
  }

  /** Begins another pass. Blobs that were moved stay so; links and tags are counted again. */
  again(): void {
    Object.assign(this, { links: 0, tags: 0, repositories: 0, failed: 0, error: undefined });
  }

  /** Notes that a blob, link or folder could not be adopted; `error`: the reason of the disk. */
  fail(error?: unknown, count = 1): void {
    this.failed += count;
    if (error !== undefined) this.error = errorText(error);
  }

  get counts(): { blobs: number; repositories: number; links: number; tags: number } {
    const { blobs, repositories, links, tags } = this;
    return { blobs, repositories, links, tags };
  }

  /** Logs the counts, at most every 10 s. */
  report(): void {
    if (this.#clock.monotonic() < this.#reportAt) return;
    this.#reportAt = this.#clock.monotonic() + REPORT_MS;
    this.#logger.info('the adoption of a Distribution registry goes on', this.counts);
  }
}
