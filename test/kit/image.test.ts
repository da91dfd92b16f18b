import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  artifactOf,
  digestOf,
  emptyConfig,
  imageOf,
  indexOf,
  MANIFEST_LIMIT,
  MEDIA_TYPES,
  oversizedImage,
} from './index.ts';

test('an image describes its config and layers, and is the same in every run', () => {
  const image = imageOf({ seed: 4, layers: [10, 20] });
  const document = JSON.parse(image.bytes.toString()) as {
    config: { digest: string };
    layers: { digest: string; size: number }[];
  };
  assert.deepEqual(
    [document.config, ...document.layers].map(({ digest }) => digest),
    image.blobs.map(({ digest }) => digest),
  );
  assert.deepEqual(
    document.layers.map(({ size }) => size),
    [10, 20],
  );
  assert.equal(image.digest, digestOf(image.bytes));
  assert.equal(image.digest, imageOf({ seed: 4, layers: [10, 20] }).digest);
  assert.notEqual(image.digest, imageOf({ seed: 5, layers: [10, 20] }).digest);
});

test('everything of a sha512 image is addressed by sha512', () => {
  const image = imageOf({ algorithm: 'sha512' });
  for (const { digest } of [image, ...image.blobs]) assert.match(digest, /^sha512:[0-9a-f]{128}$/);
});

test('an index names its children with their platforms, in OCI and in Docker form', () => {
  const platform = { os: 'linux', architecture: 'arm64' };
  const child = imageOf({ format: 'docker', platform });
  const index = indexOf([child], { format: 'docker' });
  assert.deepEqual(JSON.parse(index.bytes.toString()), {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.dockerList,
    manifests: [{ mediaType: MEDIA_TYPES.dockerManifest, digest: child.digest, size: child.size, platform }],
  });
  assert.equal(indexOf([child]).mediaType, MEDIA_TYPES.ociIndex);
});

test('an artifact refers to its subject and has the empty config', () => {
  const subject = imageOf();
  const artifact = artifactOf({ artifactType: 'x/y', subject });
  assert.equal(artifact.subject, subject.digest);
  assert.equal(
    emptyConfig().digest,
    'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  );
});

test('an oversized manifest has exactly the size asked for', () => {
  assert.equal(oversizedImage().size, MANIFEST_LIMIT + 1);
  assert.equal(oversizedImage(10_000).size, 10_000);
});
