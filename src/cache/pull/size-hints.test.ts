import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest } from '../../oci/digest.ts';
import { parseManifest, type Manifest } from '../../oci/manifest.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { createSizeHints } from './size-hints.ts';

const HERE = { upstream: 'r.example', repository: parseRepositoryName('team/app') };
const CONFIG = parseDigest(`sha256:${'a'.repeat(64)}`);
const LAYER = parseDigest(`sha256:${'b'.repeat(64)}`);

function image(layerSize: number): Manifest {
  const document = { config: { digest: CONFIG, size: 10 }, layers: [{ digest: LAYER, size: layerSize }] };
  return parseManifest(Buffer.from(JSON.stringify(document))) as Manifest;
}

test('the sizes of config and layers are known once a manifest of the repository was seen', () => {
  const sizes = createSizeHints();
  assert.equal(sizes.size(HERE, LAYER), undefined);
  sizes.learn(HERE, image(7));
  assert.equal(sizes.size(HERE, LAYER), 7);
  assert.equal(sizes.size(HERE, CONFIG), 10);
  sizes.learn(HERE, image(8));
  assert.equal(sizes.size(HERE, LAYER), 8);
});

test('another repository or upstream learns nothing from it', () => {
  const sizes = createSizeHints();
  sizes.learn(HERE, image(7));
  assert.equal(sizes.size({ ...HERE, repository: parseRepositoryName('team/other') }, LAYER), undefined);
  assert.equal(sizes.size({ ...HERE, upstream: 'other.example' }, LAYER), undefined);
});
