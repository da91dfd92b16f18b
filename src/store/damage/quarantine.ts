import { readdir, stat } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { Ledger } from '../content/ledger.ts';
import { moveSync } from '../files/disk.ts';
import type { Trash } from '../files/trash.ts';

export interface QuarantineDeps {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly ledger: Ledger;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Files kept at most, and their share of the store's limit at most. */
const FILE_LIMIT = 16;
const SHARE = 0.02;

/** Folder of damaged files, kept for an administrator to examine: the newest 16 at most, within 2 % of the store's limit. */
export class Quarantine {
  readonly #deps: QuarantineDeps;
  /** Oldest first. */
  #kept: { path: string; size: number }[] = [];

  constructor(deps: QuarantineDeps) {
    this.#deps = deps;
  }

  /** Counts the files of earlier runs. */
  async load(): Promise<void> {
    const folder = this.#deps.layout.quarantine;
    const found = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const path = join(folder, name);
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    this.#kept = found.sort((a, b) => a.mtimeMs - b.mtimeMs);
    await this.#trim();
  }

  /** Moves the file of damaged content out of the store. Readers that have it open keep it. */
  async take(digest: Digest): Promise<void> {
    const { layout, catalog, clock, logger } = this.#deps;
    const path = layout.blob(digest);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const target = join(layout.quarantine, `${digest.replace(':', '-')}.${clock.now()}`);
    try {
      moveSync(path, target);
    } catch (error) {
      logger.error('damaged content could not be moved into quarantine', { digest, error: errorText(error) });
      return;
    }
    catalog.remove(digest);
    this.#kept.push({ path: target, size });
    await this.#trim();
  }

  async #trim(): Promise<void> {
    const { ledger, trash, logger } = this.#deps;
    const bytes = () => this.#kept.reduce((sum, { size }) => sum + size, 0);
    ledger.setQuarantine(bytes());
    while (this.#kept.length > FILE_LIMIT || bytes() > ledger.limitBytes * SHARE) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) break;
      await trash.remove(oldest.path).catch((error: unknown) => {
        logger.warn('a file in quarantine could not be removed', { error: errorText(error) });
      });
      ledger.setQuarantine(bytes());
    }
  }
}
