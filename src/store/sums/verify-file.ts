import { fstatSync } from 'node:fs';
import { createDigestHash, digestHex } from '../../oci/digest.ts';
import { ChunkSummer, type ChunkSums } from './chunk-sums.ts';
import { readThrough } from '../files/read-through.ts';
import type { ContentInfo } from '../types.ts';

/**
 * Hashes the whole file and compares the hash with the digest. Returns the sums of its chunks, or a text that says what is wrong. Bytes that
 * the disk cannot read (EIO) count as wrong bytes. Awaits `paced` with the bytes of each step before reading it, and rejects if `paced`
 * rejects.
 */
export async function verifyFile(
  { digest, size }: ContentInfo,
  fd: number,
  paced?: (bytes: number) => Promise<void>,
): Promise<ChunkSums | string> {
  const found = fstatSync(fd).size;
  if (found !== size) return `expected ${size} bytes, found ${found}`;
  const hash = createDigestHash(digest);
  const summer = new ChunkSummer();
  const take = (bytes: Buffer): void => {
    hash.update(bytes);
    summer.update([bytes]);
  };
  try {
    await readThrough(fd, size, take, paced);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    return 'the disk cannot read it (EIO)';
  }
  return hash.digest('hex') === digestHex(digest) ? summer.sums() : 'its bytes do not hash to its digest';
}
