import type { StoreMetrics } from '../metrics.ts';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.ts';
import type { Reservation } from '../space/reservation.ts';
import type { DistributionLayout } from './distribution-layout.ts';
import { blobFolders, digestsIn } from '../files/blob-folders.ts';
import { fileAt } from '../files/entries.ts';
import { inSlices, type Slices } from './slices.ts';

export interface PendingDeps {
  readonly distribution: DistributionLayout;
  /** Holds the bytes of blobs that are not adopted yet, so that limits hold. */
  readonly reservation: Reservation;
  readonly metrics: Pick<StoreMetrics, 'adoptionPending'>;
}

/** The bytes of blobs that are on disk and not adopted yet. Right at any time for the folders that are counted. */
export class PendingBytes {
  readonly #deps: PendingDeps;
  readonly #counted = new Set<string>();
  /** The folder that is being counted, and what was taken from it meanwhile. */
  #counting: { folder: string; taken: Set<Digest> } | undefined;

  constructor(deps: PendingDeps) {
    this.#deps = deps;
    deps.metrics.adoptionPending.set(0);
  }

  get bytes(): number {
    return this.#deps.reservation.bytes;
  }

  /** Counts all blobs, and returns their number. Takes some microseconds for each. Those that the disk does not show do not count. */
  async count(slices: Slices): Promise<number> {
    let blobs = 0;
    for await (const folder of blobFolders(this.#deps.distribution.blobs, () => {})) {
      const taken = new Set<Digest>();
      this.#counting = { folder: `${folder.algorithm}:${folder.prefix}`, taken };
      const sizes = new Map<Digest, number>();
      const digests = await digestsIn(folder).catch((): Digest[] => []);
      await inSlices(slices, digests, (slice) => {
        for (const digest of slice) {
          const size = this.#sizeOf(digest);
          if (size !== undefined) sizes.set(digest, size);
        }
      });
      let bytes = 0;
      for (const [digest, size] of sizes) if (!taken.has(digest)) bytes += size;
      blobs += sizes.size;
      this.#add(bytes);
      this.#counted.add(this.#counting.folder);
      this.#counting = undefined;
    }
    return blobs;
  }

  /** Notes that a blob of `size` bytes is no longer pending. */
  taken(digest: Digest, size: number): void {
    const folder = `${digestAlgorithm(digest)}:${digestHex(digest).slice(0, 2)}`;
    if (this.#counting?.folder === folder) this.#counting.taken.add(digest);
    else if (this.#counted.has(folder)) this.#add(-size);
  }

  /** Nothing is pending any more. */
  release(): void {
    this.#add(-this.bytes);
  }

  #sizeOf(digest: Digest): number | undefined {
    try {
      return fileAt(this.#deps.distribution.blob(digest))?.size;
    } catch {
      return undefined;
    }
  }

  #add(bytes: number): void {
    this.#deps.reservation.take(Math.max(bytes, -this.bytes));
    this.#deps.metrics.adoptionPending.set(this.bytes);
  }
}
