import type { Digest } from '../../oci/digest.ts';
import { parseManifest, type Manifest } from '../../oci/manifest.ts';

/** A manifest in memory, with exactly the bytes and media type of the upstream. */
export interface ManifestRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Buffer;
  /** Milliseconds since the epoch; for `Age`. */
  readonly storedAt: number;
  readonly parsed: Manifest | undefined;
  /**
   * True for Docker schema 1. Its digest covers the document without its signatures and cannot be checked, so the manifest is passed on
   * and never stored.
   */
  readonly unverifiable: boolean;
}

export function manifestRecord(
  digest: Digest,
  mediaType: string,
  content: Buffer,
  storedAt: number,
  unverifiable = false,
): ManifestRecord {
  return { digest, mediaType, content, storedAt, parsed: parseManifest(content), unverifiable };
}
