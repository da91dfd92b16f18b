import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { blobFrom, digestOf } from '../kit/blob.ts';
import { MEDIA_TYPES, type TestImage } from '../kit/image.ts';
import { needPart } from './find.ts';
import { tarOf, type TarEntry } from './tar.ts';

const FILE_BYTES = 100_000;

/** What the command of a {@link runnableImage} ends with when it found all the bytes of its layers. */
export const ALL_BYTES_FOUND = 42;

/**
 * An image that a container runtime can unpack and run: Debian's static busybox in the first layer, then `extraLayers`
 * layers of one file each (`/data/1`, `/data/2`, ...). Its command counts the bytes there and ends with
 * {@link ALL_BYTES_FOUND}: an exit code, since `ctr run` may lose what a short command prints. Needs the part busybox.
 */
export function runnableImage(extraLayers = 3): TestImage {
  const busybox: TarEntry[] = [
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(needPart('busybox')) },
    { name: 'bin/sh', linkTo: 'busybox' },
    { name: 'data/', mode: 0o755 },
  ];
  const data = Array.from({ length: extraLayers }, (_, index): TarEntry[] => [
    { name: `data/${index + 1}`, content: Buffer.alloc(FILE_BYTES, `layer ${index + 1}\n`) },
  ]);
  const count = `busybox cat /data/* | busybox wc -c`;
  const command = `test $(${count}) = ${extraLayers * FILE_BYTES} && exit ${ALL_BYTES_FOUND}`;
  const tars = [busybox, ...data].map((entries) => tarOf(entries));
  const layers = tars.map((tar) => blobFrom(gzipSync(tar)));
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const config = blobFrom(
    JSON.stringify({
      ...platform,
      config: { Cmd: ['/bin/sh', '-c', command], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    }),
  );
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: config.digest, size: config.size },
      layers: layers.map(({ digest, size }) => ({ mediaType: MEDIA_TYPES.ociLayer, digest, size })),
    }),
  );
  return {
    digest: digestOf(bytes),
    mediaType: MEDIA_TYPES.ociManifest,
    bytes,
    size: bytes.length,
    blobs: [config, ...layers],
    layers,
    children: [],
    platform,
    artifactType: MEDIA_TYPES.ociConfig,
    annotations: undefined,
    subject: undefined,
  };
}
