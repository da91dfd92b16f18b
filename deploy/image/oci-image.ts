import type { Layer } from './layer.ts';
import { blobOf, MEDIA_TYPES, type Blob } from './oci-blob.ts';
import type { Architecture } from './platforms.ts';
import { STORE_PATH, USER_ID } from './system-files.ts';

/** Origin of an image, as its labels and annotations give it. */
export interface Origin {
  readonly version: string;
  /** Commit from which the image was built. */
  readonly revision: string;
  /** Time of that commit in seconds since 1970, so that a second build has the same time. */
  readonly epoch: number;
}

/** Image of one platform: its manifest and all blobs that the manifest names. */
export interface OciImage {
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
}

/** Makes an image of these layers (OCI image-spec v1.1, config.md and manifest.md). */
export function ociImage(architecture: Architecture, layers: readonly Layer[], origin: Origin): OciImage {
  const created = createdOf(origin);
  const config = blobOf(MEDIA_TYPES.config, {
    created,
    architecture,
    os: 'linux',
    config: {
      User: `${USER_ID}:${USER_ID}`,
      ExposedPorts: { '5000/tcp': {}, '5001/tcp': {} },
      Env: [
        'PATH=/usr/bin',
        `HOME=${STORE_PATH}`,
        // With more than one arena, glibc keeps 10 MB more.
        'MALLOC_ARENA_MAX=1',
        // Node.js also trusts the authorities in /etc/ssl/certs, mounted there or the image's own.
        'NODE_USE_SYSTEM_CA=1',
      ],
      Entrypoint: ['/usr/bin/larder'],
      // A flag of `serve`, since an environment would make the other programs listen on all addresses too (decision 0018).
      Cmd: ['serve', '--in-container'],
      WorkingDir: '/',
      StopSignal: 'SIGTERM',
      Labels: labelsOf(origin),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ comment }) => ({ created, created_by: comment })),
  });
  const layerBlobs = layers.map(({ blob }) => blobOf(MEDIA_TYPES.layer, blob));
  const manifest = blobOf(MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: config.descriptor,
    layers: layerBlobs.map(({ descriptor }) => descriptor),
    annotations: labelsOf(origin),
  });
  return { manifest, blobs: [config, ...layerBlobs] };
}

/** Gives the well-known annotations (image-spec annotations.md), which images have as labels and manifests as annotations. */
export function labelsOf(origin: Origin): Record<string, string> {
  const labels = {
    title: 'larder',
    description: 'A pull-through cache for container registries',
    licenses: 'Apache-2.0',
    version: origin.version,
    revision: origin.revision,
    created: createdOf(origin),
  };
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [`org.opencontainers.image.${name}`, value]),
  );
}

/** Gives the time of the origin as of RFC 3339, without a fraction. */
export function createdOf({ epoch }: Origin): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
