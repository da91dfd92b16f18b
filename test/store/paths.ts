import { join } from 'node:path';

/** Path of the file of `digest`. Written out here, because other versions of Larder must find it there too. */
export function blobPath(directory: string, digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(directory, 'blobs', algorithm, hex.slice(0, 2), hex);
}
