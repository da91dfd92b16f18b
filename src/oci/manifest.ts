import { parseJson } from '../kit/json.ts';
import { isDigest, type Digest } from './digest.ts';

/**
 * Largest manifest that containerd takes (4 * 1048 * 1048, core/remotes/docker/resolver.go MaxManifestSize), slightly above the 4 MiB that
 * distribution-spec v1.1.1 demands of registries.
 */
export const MANIFEST_SIZE_LIMIT = 4_393_216;

/** A reference to content in a manifest (image-spec descriptor.md). */
export interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

/** The fields of a manifest that Larder reads. The bytes themselves are kept and served unchanged. */
export interface Manifest {
  readonly mediaType: string | undefined;
  /** Config, layers and blobs. */
  readonly blobs: readonly Descriptor[];
  /** Manifests of an index or list. */
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
}

/** Reads a manifest's descriptors leniently; undefined for bytes that are no JSON object with a manifest's fields. */
export function parseManifest(content: Uint8Array): Manifest | undefined {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const parts = ['config', 'layers', 'blobs', 'manifests', 'fsLayers'];
  if (!parts.some((part) => part in value)) return undefined;
  return {
    mediaType: typeof value['mediaType'] === 'string' ? value['mediaType'] : undefined,
    blobs: [value['config'], ...list(value['layers']), ...list(value['blobs'])].flatMap(descriptor),
    manifests: list(value['manifests']).flatMap(descriptor),
    subject: descriptor(value['subject'])[0],
  };
}

function descriptor(value: unknown): Descriptor[] {
  if (!isRecord(value)) return [];
  const { digest, size, mediaType } = value;
  if (typeof digest !== 'string' || !isDigest(digest)) return [];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return [];
  return [{ digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' }];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
