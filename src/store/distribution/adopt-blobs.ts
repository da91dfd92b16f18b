import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { DistributionLayout } from './distribution-layout.ts';
import { digestsIn, foldersOf } from './pending-bytes.ts';
import { removedFolder } from './entries.ts';
import type { Progress } from './progress.ts';
import { inSlices, type Slices } from './slices.ts';
import type { Unadopted } from './unadopted.ts';

export interface SweepDeps {
  readonly layout: Layout;
  readonly distribution: DistributionLayout;
  readonly index: ContentIndex;
  readonly catalog: Catalog;
  readonly unadopted: Unadopted;
  readonly progress: Progress;
}

/** Moves every blob into place and enters it into the index. Counts what it did in `progress`. */
export async function adoptBlobs(deps: SweepDeps, slices: Slices): Promise<void> {
  const { layout, distribution, index, catalog, unadopted, progress } = deps;
  for await (const { algorithm, path } of foldersOf(distribution)) {
    await inSlices(slices, await digestsIn(path, algorithm), (slice) => {
      index.transaction(() => {
        for (const digest of slice) adoptBlob(digest);
      });
      progress.report();
    });
    removedFolder(path);
  }

  function adoptBlob(digest: Digest): void {
    const data = distribution.blob(digest);
    if (existsSync(data)) {
      if (settle(digest, data)) progress.blobs += 1;
      else progress.failed += 1;
    }
    removedFolder(dirname(data));
  }

  /** False if the blob stays. */
  function settle(digest: Digest, data: string): boolean {
    if (existsSync(layout.blob(digest))) return unadopted.drop(digest);
    catalog.get(digest);
    // A row whose file is gone does not look for another one.
    return !existsSync(data) || unadopted.take(digest);
  }
}
