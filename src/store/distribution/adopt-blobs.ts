import { existsSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import type { Layout } from '../files/layout.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { DistributionLayout } from './distribution-layout.ts';
import { digestsIn, foldersOf } from './pending-bytes.ts';
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

/** Moves every blob into place and enters it into the index. */
export async function adoptBlobs(deps: SweepDeps, slices: Slices): Promise<void> {
  const { layout, distribution, index, catalog, unadopted, progress } = deps;
  for await (const { algorithm, path } of foldersOf(distribution)) {
    await inSlices(slices, await digestsIn(path, algorithm), (slice) => {
      index.transaction(() => {
        for (const digest of slice) adopt(digest);
      });
      progress.report();
    });
  }

  function adopt(digest: Digest): void {
    const data = distribution.blob(digest);
    if (!existsSync(data)) return;
    if (isSettled(digest, data)) progress.blobs += 1;
    else progress.failed += 1;
  }

  /** False if the blob stays. */
  function isSettled(digest: Digest, data: string): boolean {
    if (existsSync(layout.blob(digest))) return unadopted.drop(digest);
    catalog.get(digest);
    // A row whose file is gone does not look for another one.
    return !existsSync(data) || unadopted.take(digest);
  }
}
