import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobFrom, digestOf, type TestBlob } from '../../kit/blob.ts';
import { MEDIA_TYPES, type TestImage } from '../../kit/image.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
}

interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Reads the image of one platform that {@link buildLarderImage} has built, for an upstream of the test. It is in memory: 60 MB. */
export function readLarderImage(directory: string): TestImage {
  const layout = join(directory, 'oci');
  const read = ({ digest }: Descriptor): Buffer => readFileSync(join(layout, 'blobs', ...digest.split(':')));
  const blobOf = (one: Descriptor): TestBlob => blobFrom(read(one));
  const parse = (bytes: Buffer): Manifest => JSON.parse(bytes.toString('utf8')) as Manifest;

  let bytes: Buffer = readFileSync(join(layout, 'index.json'));
  // An index leads to one more, or to the manifest.
  for (let next = parse(bytes).manifests?.[0]; next !== undefined; next = parse(bytes).manifests?.[0])
    bytes = read(next);
  const { config, layers: ofLayers } = parse(bytes);
  const layers = ofLayers.map(blobOf);
  return {
    digest: digestOf(bytes),
    mediaType: MEDIA_TYPES.ociManifest,
    bytes,
    size: bytes.length,
    blobs: [blobOf(config), ...layers],
    layers,
    children: [],
    platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
    artifactType: config.mediaType,
    annotations: undefined,
    subject: undefined,
  };
}
