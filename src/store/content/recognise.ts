import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { digestAlgorithm, digestOf, type Digest } from '../../oci/digest.ts';
import { MANIFEST_SIZE_LIMIT, parseManifest, type Manifest } from '../../oci/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../oci/media-types.ts';
import type { ContentInfo } from '../types.ts';

/**
 * Finds out size and type of a file that is not in the index. Undefined if there is no file, or if it cannot be read. Synchronous, so that
 * the file cannot be replaced in between. Most files take one `stat`; a file that begins like JSON takes a few reads. A manifest is
 * verified against its digest, so that its type is right.
 */
export function recognise(path: string, digest: Digest): ContentInfo | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const file = fstatSync(fd);
    if (!file.isFile()) return undefined;
    const row = { digest, size: file.size, storedAt: Math.floor(file.mtimeMs) };
    const content = readIfJson(fd, file.size);
    const manifest = content && parseManifest(content);
    const mediaType = manifest && mediaTypeOf(manifest);
    if (
      content === undefined ||
      mediaType === undefined ||
      digestOf(content, digestAlgorithm(digest)) !== digest
    ) {
      return { ...row, type: 'blob', mediaType: undefined };
    }
    return { ...row, type: 'manifest', mediaType };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function readIfJson(fd: number, size: number): Buffer | undefined {
  if (size < 2 || size > MANIFEST_SIZE_LIMIT) return undefined;
  const first = Buffer.alloc(1);
  readSync(fd, first, 0, 1, 0);
  if (first.toString('latin1') !== '{') return undefined;
  const content = Buffer.alloc(size);
  return readSync(fd, content, 0, size, 0) === size ? content : undefined;
}

/**
 * Media type from the document's `mediaType`, else from its other fields (image-spec manifest.md and image-index.md leave `mediaType`
 * optional). Undefined for other JSON, such as an image configuration, which has a `config` field too.
 */
function mediaTypeOf({ mediaType, manifests, blobs }: Manifest): string | undefined {
  if (mediaType !== undefined) return mediaType;
  if (manifests.length > 0) return OCI_INDEX;
  return blobs.length > 0 ? OCI_MANIFEST : undefined;
}
