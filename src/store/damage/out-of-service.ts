import { fstatSync, statSync } from 'node:fs';
import type { Logger } from '../../kit/logger.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { Quarantine } from './quarantine.ts';

export interface OutOfServiceDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly files: OpenFiles;
  readonly quarantine: Quarantine;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/** Digests kept at most. Damage of a forgotten one is found again by its next read. */
const LIMIT = 10_000;

/**
 * Content that was found damaged and is served to no reader until a new fill commits it again. A file whose chunks have sums stays in its
 * place, because most of it can be used to repair it. A file without sums goes into quarantine.
 */
export class OutOfService {
  readonly #deps: OutOfServiceDeps;
  /** Oldest first. */
  readonly #digests = new Set<Digest>();

  constructor(deps: OutOfServiceDeps) {
    this.#deps = deps;
  }

  has(digest: Digest): boolean {
    return this.#digests.has(digest);
  }

  get count(): number {
    return this.#digests.size;
  }

  /** Oldest first. */
  get all(): readonly Digest[] {
    return [...this.#digests];
  }

  /**
   * Takes content out of service if `fd` is still the file in its place. `why` is logged. False if the content is out of service already,
   * or if its file was replaced.
   */
  add(digest: Digest, fd: number, why: string): boolean {
    const { layout, files, logger, metrics } = this.#deps;
    // In any case: the open file may be one that was replaced, and the next reader would share it.
    files.drop(digest);
    if (this.#digests.has(digest) || !isAt(layout.blob(digest), fd)) return false;
    this.#digests.add(digest);
    for (const oldest of this.#digests) {
      if (this.#digests.size <= LIMIT) break;
      this.#digests.delete(oldest);
    }
    // The metric's name for out of service, whether or not the file goes into quarantine.
    metrics.corruptBlobs.inc({ action: 'quarantined' });
    logger.warn('stored content is damaged; out of service until it is repaired', {
      event: 'damage-found',
      digest,
      why,
    });
    return true;
  }

  /** {@link OutOfService.add}. Moves a file without sums into quarantine, since it cannot help to repair the content. */
  async addOrQuarantine(digest: Digest, fd: number, why: string): Promise<void> {
    const { catalog, quarantine } = this.#deps;
    if (!this.add(digest, fd, why)) return;
    const row = catalog.get(digest);
    if (row === undefined || catalog.sums(row) === undefined) await quarantine.take(digest);
  }

  /** Moves a file that did not help to repair its content into quarantine. The next fill fetches everything. */
  async discard(digest: Digest): Promise<void> {
    if (this.#digests.has(digest)) await this.#deps.quarantine.take(digest);
  }

  /** Puts content back into service after a verified file came into its place. `repaired`: with the help of the damaged file. */
  restore(digest: Digest, repaired: boolean): void {
    if (!this.#digests.delete(digest)) return;
    const action = repaired ? 'repaired' : 'refetched';
    this.#deps.metrics.corruptBlobs.inc({ action });
    this.#deps.logger.info('damaged content is back in service', { event: 'damage-mended', digest, action });
  }
}

function isAt(path: string, fd: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}
