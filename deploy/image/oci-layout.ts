import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex } from '../../src/oci/digest.ts';
import { blobOf, MEDIA_TYPES, type Blob } from './oci-blob.ts';
import { labelsOf, type OciImage, type Origin } from './oci-image.ts';
import type { Architecture } from './platforms.ts';

export interface PlatformImage {
  readonly architecture: Architecture;
  readonly image: OciImage;
  readonly sbom: Uint8Array;
}

/**
 * Writes an image of several platforms into a directory (image-spec image-layout.md) and tags it with its version. Each platform's
 * manifest gets a bill of materials that refers to it. Returns the index, whose digest is the image's digest.
 */
export async function writeLayout(
  directory: string,
  platforms: readonly PlatformImage[],
  origin: Origin,
): Promise<Blob> {
  const index = blobOf(MEDIA_TYPES.index, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: platforms.map(({ architecture, image }) => ({
      ...image.manifest.descriptor,
      platform: { os: 'linux', architecture },
    })),
    annotations: labelsOf(origin),
  });
  const sboms = platforms.map((one) => attachedSbom(one, origin));
  const images = platforms.map(({ image }) => image);

  const blobs = join(directory, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const { bytes, descriptor } of [index, ...[...images, ...sboms].flatMap(allOf)])
    await writeFile(join(blobs, digestHex(descriptor.digest)), bytes);
  const tag = { 'org.opencontainers.image.ref.name': origin.version };
  const top = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [
      { ...index.descriptor, annotations: tag },
      ...sboms.map(({ manifest }) => ({ ...manifest.descriptor, artifactType: MEDIA_TYPES.sbom })),
    ],
  };
  await writeFile(join(directory, 'index.json'), JSON.stringify(top));
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return index;
}

/** Name of the file with an image's bill of materials. */
export function sbomName(architecture: Architecture): string {
  return `sbom-${architecture}.cdx.json`;
}

/** Makes an artifact whose subject is the image (image-spec manifest.md, "Guidelines for Artifact Usage"). */
function attachedSbom({ architecture, image, sbom }: PlatformImage, origin: Origin): OciImage {
  const empty = blobOf(MEDIA_TYPES.empty, {});
  const content = blobOf(MEDIA_TYPES.sbom, sbom);
  // `oras pull` writes the artifact into a file of this name.
  const title = { 'org.opencontainers.image.title': sbomName(architecture) };
  const artifact = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: MEDIA_TYPES.sbom,
    config: empty.descriptor,
    layers: [{ ...content.descriptor, annotations: title }],
    subject: image.manifest.descriptor,
    annotations: labelsOf(origin),
  };
  return { manifest: blobOf(MEDIA_TYPES.manifest, artifact), blobs: [empty, content] };
}

function allOf({ manifest, blobs }: OciImage): readonly Blob[] {
  return [manifest, ...blobs];
}
