import { gzipSync } from 'node:zlib';
import { blobFrom, digestOf } from '../kit/blob.ts';
import { MEDIA_TYPES, type TestImage } from '../kit/image.ts';
import { tarOf, type TarEntry } from '../../deploy/image/tar.ts';

/** An image of this machine's platform that a container runtime can unpack: one layer for each list of files. */
export function packedImage(
  layerFiles: readonly (readonly TarEntry[])[],
  config: { readonly Cmd?: readonly string[]; readonly Env?: readonly string[] } = {},
): TestImage {
  const tars = layerFiles.map((entries) => tarOf(entries));
  const layers = tars.map((tar) => blobFrom(gzipSync(tar)));
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const configBlob = blobFrom(
    JSON.stringify({
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    }),
  );
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: configBlob.digest, size: configBlob.size },
      layers: layers.map(({ digest, size }) => ({ mediaType: MEDIA_TYPES.ociLayer, digest, size })),
    }),
  );
  return {
    digest: digestOf(bytes),
    mediaType: MEDIA_TYPES.ociManifest,
    bytes,
    size: bytes.length,
    blobs: [configBlob, ...layers],
    layers,
    children: [],
    platform,
    artifactType: MEDIA_TYPES.ociConfig,
    annotations: undefined,
    subject: undefined,
  };
}
