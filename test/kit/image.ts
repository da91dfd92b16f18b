/** Builders of deterministic images, indexes and artifacts. The same options give the same bytes in every run. */
import { blobFrom, blobOf, digestOf, type DigestAlgorithm, type TestBlob } from './blob.ts';

/** Media types the builders use (image-spec media-types.md, Docker image manifest v2 schema 2). */
export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** containerd refuses larger manifests (core/remotes/docker MaxManifestSize, 4 * 1048 * 1048), and so does Larder. */
export const MANIFEST_LIMIT = 4_393_216;

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** A manifest with everything it refers to: an image, an index (with `children`) or an artifact. */
export interface TestImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly size: number;
  /** Config first, then layers; empty for an index. */
  readonly blobs: readonly TestBlob[];
  readonly layers: readonly TestBlob[];
  /** The manifests of an index. */
  readonly children: readonly TestImage[];
  readonly platform: Platform | undefined;
  /** The type in a list of referrers: the manifest's `artifactType`, else its config's media type. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** Digest of the manifest this one refers to. */
  readonly subject: string | undefined;
}

export interface ImageOptions {
  readonly seed?: number;
  /** Sizes in bytes, or blobs; two layers of 2000 and 3000 bytes by default. */
  readonly layers?: readonly (number | TestBlob)[];
  readonly format?: 'oci' | 'docker';
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Algorithm of all digests: of the manifest, its config and layers. */
  readonly algorithm?: DigestAlgorithm;
}

/** An image of pseudo-random layers with a fitting config. */
export function imageOf(options: ImageOptions = {}): TestImage {
  const { seed = 1, layers = [2000, 3000], format = 'oci', algorithm = 'sha256' } = options;
  const platform = options.platform ?? { os: 'linux', architecture: 'amd64' };
  const layerBlobs = layers.map((layer, index) =>
    typeof layer === 'number' ? blobOf(layer, seed * 1000 + index, algorithm) : layer,
  );
  const rootfs = { type: 'layers', diff_ids: layerBlobs.map((layer) => layer.digest) };
  const config = blobFrom(
    JSON.stringify({ ...platform, config: { Labels: { seed: `${seed}` } }, rootfs }),
    algorithm,
  );
  const types = format === 'oci' ? OCI_TYPES : DOCKER_TYPES;
  const document = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config, types.config),
    layers: layerBlobs.map((layer) => descriptor(layer, types.layer)),
    ...(options.annotations && { annotations: options.annotations }),
  };
  return manifest(document, {
    algorithm,
    platform,
    blobs: [config, ...layerBlobs],
    layers: layerBlobs,
    artifactType: types.config,
    annotations: options.annotations,
  });
}

export interface IndexOptions {
  readonly format?: 'oci' | 'docker';
  readonly annotations?: Readonly<Record<string, string>>;
  readonly algorithm?: DigestAlgorithm;
}

/** An OCI index or a Docker manifest list of the given images. */
export function indexOf(children: readonly TestImage[], options: IndexOptions = {}): TestImage {
  const { format = 'oci', algorithm = 'sha256', annotations } = options;
  const document = {
    schemaVersion: 2,
    mediaType: format === 'oci' ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.dockerList,
    manifests: children.map((child) => ({
      ...descriptor(child, child.mediaType),
      ...(child.platform && { platform: child.platform }),
    })),
    ...(annotations && { annotations }),
  };
  return manifest(document, { algorithm, children, annotations });
}

export interface ArtifactOptions {
  readonly artifactType: string;
  /** The subject, which makes the artifact a referrer. */
  readonly subject?: TestImage;
  readonly layers?: readonly TestBlob[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An artifact (a signature, an SBOM) with the empty config. */
export function artifactOf(options: ArtifactOptions): TestImage {
  const { artifactType, subject, annotations, layers = [emptyConfig()] } = options;
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType,
    config: descriptor(emptyConfig(), MEDIA_TYPES.ociEmpty),
    layers: layers.map((layer) => descriptor(layer, 'application/octet-stream')),
    ...(subject && { subject: descriptor(subject, subject.mediaType) }),
    ...(annotations && { annotations }),
  };
  return manifest(document, {
    blobs: [emptyConfig(), ...layers],
    layers,
    artifactType,
    annotations,
    subject: subject?.digest,
  });
}

/** The empty descriptor's content, `{}` (image-spec manifest.md, "Guidance for an Empty Descriptor"). */
export function emptyConfig(): TestBlob {
  return blobFrom('{}');
}

/** A blob of no bytes at all. */
export function zeroByteBlob(): TestBlob {
  return blobFrom('');
}

/** An image whose manifest has exactly `bytes` bytes; one more than {@link MANIFEST_LIMIT} by default. */
export function oversizedImage(bytes = MANIFEST_LIMIT + 1): TestImage {
  const bare = imageOf({ annotations: { padding: '' } }).size;
  return imageOf({ annotations: { padding: 'x'.repeat(bytes - bare) } });
}

const OCI_TYPES = {
  manifest: MEDIA_TYPES.ociManifest,
  config: MEDIA_TYPES.ociConfig,
  layer: MEDIA_TYPES.ociLayer,
};

const DOCKER_TYPES = {
  manifest: MEDIA_TYPES.dockerManifest,
  config: MEDIA_TYPES.dockerConfig,
  layer: MEDIA_TYPES.dockerLayer,
};

interface ManifestParts {
  readonly algorithm?: DigestAlgorithm;
  readonly platform?: Platform;
  readonly blobs?: readonly TestBlob[];
  readonly layers?: readonly TestBlob[];
  readonly children?: readonly TestImage[];
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly subject?: string | undefined;
}

function manifest(document: { mediaType: string }, parts: ManifestParts): TestImage {
  const bytes = Buffer.from(JSON.stringify(document));
  return {
    digest: digestOf(bytes, parts.algorithm),
    mediaType: document.mediaType,
    bytes,
    size: bytes.length,
    blobs: parts.blobs ?? [],
    layers: parts.layers ?? [],
    children: parts.children ?? [],
    platform: parts.platform,
    artifactType: parts.artifactType,
    annotations: parts.annotations,
    subject: parts.subject,
  };
}

function descriptor(of: { digest: string; size: number }, mediaType: string) {
  return { mediaType, digest: of.digest, size: of.size };
}
