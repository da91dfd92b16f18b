import type { Layer } from './layer.ts';
import { blobOf, MEDIA_TYPES, type Blob } from './oci-blob.ts';
import type { Architecture } from './platforms.ts';
import { STORE_PATH, USER_ID } from './system-files.ts';

/** What an image says about where it comes from. */
export interface Origin {
  readonly version: string;
  /** The commit it was built from. */
  readonly revision: string;
  /** Seconds since 1970: when that commit was made, so that a second build says the same. */
  readonly epoch: number;
}

/** An image of one platform: its manifest, and all the blobs that the manifest names. */
export interface OciImage {
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
}

/** The image of these layers (OCI image-spec v1.1, config.md and manifest.md). */
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
        // One arena: glibc keeps 10 MB more otherwise.
        'MALLOC_ARENA_MAX=1',
        // What is in /etc/ssl/certs, mounted there or the image's own, counts beside the authorities in Node.js.
        'NODE_USE_SYSTEM_CA=1',
      ],
      Entrypoint: ['/usr/bin/larder'],
      // As arguments, not as environment: that would make the other programs listen on all addresses too.
      Cmd: ['serve', '--store', STORE_PATH, '--address', '[::]:5000', '--admin-address', '[::]:5001'],
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

/** The well-known annotations (image-spec annotations.md), as labels and on manifests alike. */
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

/** RFC 3339, without a fraction. */
export function createdOf({ epoch }: Origin): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
