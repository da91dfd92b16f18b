import { fstatSync, statSync } from 'node:fs';
import type { Logger } from '../../kit/logger.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Quarantine } from './quarantine.ts';

export interface DamageDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly quarantine: Quarantine;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/** Marks kept at most. What loses its mark is found again when somebody reads it. */
const LIMIT = 10_000;

/**
 * Content that was found damaged and is not right again yet: nobody is given it. A file whose chunks have sums stays in its place,
 * because most of it can be used to mend it; any other goes into quarantine.
 */
export class Damage {
  readonly #deps: DamageDeps;
  /** Oldest first. */
  readonly #marked = new Set<Digest>();

  constructor(deps: DamageDeps) {
    this.#deps = deps;
  }

  has(digest: Digest): boolean {
    return this.#marked.has(digest);
  }

  get count(): number {
    return this.#marked.size;
  }

  /** Oldest first. */
  get all(): readonly Digest[] {
    return [...this.#marked];
  }

  /**
   * Takes content out of service if the file `fd` is still the one in its place. `why` ends the log line. False when there was nothing
   * to do.
   */
  mark(digest: Digest, fd: number, why: string): boolean {
    const { layout, files, logger, metrics } = this.#deps;
    // In any case: what is open may be a file that is in its place no more, and whoever asks next would be given it again.
    files.drop(digest);
    if (this.#marked.has(digest) || !isAt(layout.blob(digest), fd)) return false;
    this.#marked.add(digest);
    for (const oldest of this.#marked) {
      if (this.#marked.size <= LIMIT) break;
      this.#marked.delete(oldest);
    }
    metrics.corruptBlobs.inc({ action: 'quarantined' });
    logger.warn('stored content is damaged and is not served until it is mended', {
      event: 'damage-found',
      digest,
      why,
    });
    return true;
  }

  /** {@link Damage.mark}; a file without sums, which cannot help to mend it, goes into quarantine. */
  async found(digest: Digest, fd: number, why: string): Promise<void> {
    const { catalog, quarantine } = this.#deps;
    if (!this.mark(digest, fd, why)) return;
    const row = catalog.get(digest);
    if (row === undefined || catalog.sums(row) === undefined) await quarantine.take(digest);
  }

  /** The file in place has turned out not to help: the next fill fetches everything. */
  async discard(digest: Digest): Promise<void> {
    if (this.#marked.has(digest)) await this.#deps.quarantine.take(digest);
  }

  /** Content that was proven has come into its place; `mended`: with the help of what was there. */
  healed(digest: Digest, mended: boolean): void {
    if (!this.#marked.delete(digest)) return;
    const action = mended ? 'repaired' : 'refetched';
    this.#deps.metrics.corruptBlobs.inc({ action });
    this.#deps.logger.info('damaged content is right again', { event: 'damage-mended', digest, action });
  }
}

function isAt(path: string, fd: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}
