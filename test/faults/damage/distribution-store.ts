import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestBlob } from '../../kit/index.ts';

/** Writes blobs as the registry of the Distribution project, in proxy mode, leaves them in its directory. */
export function writeDistributionStore(
  directory: string,
  repository: string,
  blobs: readonly TestBlob[],
): void {
  const links = join(directory, 'docker/registry/v2/repositories', repository, '_layers/sha256');
  for (const blob of blobs) {
    write(distributionPath(directory, blob.digest), blob.read());
    write(join(links, hexOf(blob.digest), 'link'), blob.digest);
  }
}

/** Path at which Distribution keeps the bytes of a blob. */
export function distributionPath(directory: string, digest: string): string {
  const hex = hexOf(digest);
  return join(directory, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
