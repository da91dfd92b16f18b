import { blobFrom, blobOf, type TestBlob } from '../../kit/index.ts';

/** An odd number of bytes from one window to the next: any two contents differ everywhere. */
const STEP = 4099;

/**
 * So many blobs of one size, all different, as windows on one buffer: hundreds of megabytes of content cost the memory of one
 * blob.
 */
export function contentsOf(size: number, count: number, seed = 1): TestBlob[] {
  const all = blobOf(size + STEP * count, seed).read();
  return Array.from({ length: count }, (_, index) =>
    blobFrom(all.subarray(index * STEP, index * STEP + size)),
  );
}
