import { readdir } from 'node:fs/promises';
import type { StoreMetrics } from '../metrics.ts';
import { digestAlgorithm, digestHex, isDigest, type Digest } from '../../oci/digest.ts';
import type { Reservation } from '../space/reservation.ts';
import type { DistributionLayout } from './distribution-layout.ts';
import { fileAt } from './entries.ts';
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

  /** Counts all blobs, and returns their number. Takes some microseconds for each. */
  async count(slices: Slices): Promise<number> {
    let blobs = 0;
    for await (const { algorithm, prefix, path } of foldersOf(this.#deps.distribution)) {
      const taken = new Set<Digest>();
      this.#counting = { folder: `${algorithm}:${prefix}`, taken };
      const sizes = new Map<Digest, number>();
      await inSlices(slices, await digestsIn(path, algorithm), (slice) => {
        for (const digest of slice) {
          const file = fileAt(this.#deps.distribution.blob(digest));
          if (file !== undefined) sizes.set(digest, file.size);
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

  #add(bytes: number): void {
    this.#deps.reservation.take(Math.max(bytes, -this.bytes));
    this.#deps.metrics.adoptionPending.set(this.bytes);
  }
}

/** Yields the folders of blobs, at most 256 for each algorithm. */
export async function* foldersOf({
  blobs,
}: Pick<DistributionLayout, 'blobs'>): AsyncGenerator<{ algorithm: string; prefix: string; path: string }> {
  for (const algorithm of ['sha256', 'sha512']) {
    const prefixes = await readdir(`${blobs}/${algorithm}`).catch(() => []);
    for (const prefix of prefixes) yield { algorithm, prefix, path: `${blobs}/${algorithm}/${prefix}` };
  }
}

/** Digests of the blobs in a folder: a 256th of all. */
export async function digestsIn(path: string, algorithm: string): Promise<Digest[]> {
  const names = await readdir(path).catch(() => []);
  return names.map((hex) => `${algorithm}:${hex}`).filter((text) => isDigest(text));
}
