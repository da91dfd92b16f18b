import { join } from 'node:path';

/** Where the layout of the store has the file of `digest`: written out here, because other versions must find it there too. */
export function blobPath(directory: string, digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(directory, 'blobs', algorithm, hex.slice(0, 2), hex);
}
