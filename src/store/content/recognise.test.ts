import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { imageOf, indexOf } from '../../../test/kit/image.ts';
import { tempDir } from '../../../test/kit/temp.ts';
import { digestOf, type Digest } from '../../oci/digest.ts';
import { recognise } from './recognise.ts';

function recognised(content: string | Buffer, digest = digestOf(Buffer.from(content))) {
  using directory = tempDir();
  const path = directory.write('file', content);
  return { row: recognise(path, digest) };
}

test('a manifest is known by its bytes, with its media type', () => {
  const image = imageOf();
  const index = indexOf([image]);
  for (const { bytes, mediaType, digest } of [image, index]) {
    const { row } = recognised(bytes);
    assert.equal(row?.type, 'manifest');
    assert.equal(row?.mediaType, mediaType);
    assert.equal(row?.size, bytes.length);
    assert.equal(row?.digest, digest);
  }
});

test('without a media type of its own, a manifest has the one that its fields say', () => {
  const part = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'x/y' };
  const image = recognised(JSON.stringify({ schemaVersion: 2, config: part, layers: [part] })).row;
  const index = recognised(JSON.stringify({ schemaVersion: 2, manifests: [part] })).row;
  assert.equal(image?.mediaType, 'application/vnd.oci.image.manifest.v1+json');
  assert.equal(index?.mediaType, 'application/vnd.oci.image.index.v1+json');
});

test('an image configuration and other JSON are blobs', () => {
  for (const content of ['{"architecture":"amd64","config":{"Env":[]}}', '{}', '{ not JSON', '[1]', '']) {
    const { row } = recognised(content);
    assert.equal(row?.type, 'blob', content);
    assert.equal(row?.mediaType, undefined);
  }
});

test('a manifest with other bytes than its digest says is not taken for one', () => {
  const { row } = recognised(imageOf().bytes, `sha256:${'0'.repeat(64)}` as Digest);
  assert.equal(row?.type, 'blob');
});

test('what is not a file is not content', () => {
  using directory = tempDir();
  mkdirSync(join(directory.path, 'folder'));
  assert.equal(recognise(join(directory.path, 'folder'), digestOf(Buffer.from(''))), undefined);
  assert.equal(recognise(join(directory.path, 'nothing'), digestOf(Buffer.from(''))), undefined);
});
