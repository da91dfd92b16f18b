import { existsSync } from 'node:fs';
import type { Digest } from '../../oci/digest.ts';
import type { Catalog } from '../content/catalog.ts';
import { blobFolders, digestsIn } from '../files/blob-folders.ts';
import { fileAt } from '../files/entries.ts';
import type { Layout } from '../files/layout.ts';
import type { ContentIndex } from '../index/content-index.ts';
import type { DistributionLayout } from './distribution-layout.ts';
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
  const folders = blobFolders(distribution.blobs, (error) => progress.fail(error));
  for await (const folder of folders) {
    const digests = await digestsIn(folder).catch((error: unknown): Digest[] => {
      progress.fail(error);
      return [];
    });
    await inSlices(slices, digests, (slice) => {
      index.transaction(() => {
        for (const digest of slice) adopt(digest);
      });
      progress.report();
    });
  }

  function adopt(digest: Digest): void {
    const data = distribution.blob(digest);
    try {
      // Something else in the place of a file is no blob, and stays behind.
      if (fileAt(data) === undefined) return;
      if (isSettled(digest, data)) progress.blobs += 1;
      else progress.fail();
    } catch (error) {
      progress.fail(error);
    }
  }

  /** False if the blob stays. */
  function isSettled(digest: Digest, data: string): boolean {
    if (existsSync(layout.blob(digest))) return unadopted.drop(digest);
    catalog.get(digest);
    // A row whose file is gone does not look for another one.
    return !existsSync(data) || unadopted.take(digest);
  }
}
