import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { A, A2, body, localStore, type Body, type LocalStore } from '../../../test/store/harness.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { acceptClass } from '../../oci/media-types.ts';
import { digestOf } from '../../oci/digest.ts';
import { parseTag } from '../../oci/reference.ts';

const layer = body(100_000);
const manifest = manifestOf(layer);
const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

/** Writes the files of Distribution 3 in proxy mode with one image, `library/one:latest`. */
function writeDistributionStore(directory: string): void {
  const root = join(directory, 'docker/registry/v2');
  for (const { digest, content } of [layer, manifest]) {
    const hex = digest.slice(7);
    write(join(root, 'blobs/sha256', hex.slice(0, 2), hex, 'data'), content);
  }
  const repository = join(root, 'repositories/library/one');
  write(join(repository, '_layers/sha256', layer.digest.slice(7), 'link'), layer.digest);
  write(join(repository, '_manifests/revisions/sha256', manifest.digest.slice(7), 'link'), manifest.digest);
  write(join(repository, '_manifests/tags/latest/current/link'), manifest.digest);
  write(
    join(repository, '_manifests/tags/latest/index/sha256', manifest.digest.slice(7), 'link'),
    manifest.digest,
  );
  mkdirSync(join(repository, '_uploads'));
  write(join(directory, 'scheduler-state.json'), '{}');
}

const ONE = new Map([['a.example', { ttlMs: 0, maxBytes: undefined }]]);

async function adopted(): Promise<LocalStore> {
  const under = await localStore({ policies: ONE });
  await under.store.close();
  writeDistributionStore(under.directory);
  await under.reopen({ adoptDistribution: 'a.example' });
  return under;
}

test('images of a Distribution store are served from the first request, with links and tags', async () => {
  await using under = await adopted();
  const { store } = under;
  assert.equal(store.presence(layer.digest, A), 'linked');
  assert.equal(store.presence(manifest.digest, A), 'linked');
  assert.equal(store.presence(layer.digest, A2), 'unlinked');
  assert.deepEqual((await store.read(manifest.digest))?.content, manifest.content);
  assert.equal(store.info(manifest.digest)?.mediaType, MANIFEST_TYPE);
  const content = await store.open(layer.digest);
  assert.equal(content?.size, 100_000);
  content?.close();
  assert.equal(store.stats().objects, 2);
});

test('a tag is known to clients that accept every kind of manifest', async () => {
  await using under = await adopted();
  const containerd =
    'application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, ' +
    'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*';
  const tag = under.store.tag({ ...A, tag: parseTag('latest'), acceptClass: acceptClass(containerd) });
  assert.equal(tag?.digest, manifest.digest);
  assert.equal(tag?.mediaType, MANIFEST_TYPE);
  assert.equal(tag?.size, manifest.content.length);
});

test('the files are moved, not copied, and nothing of the old layout is left', async () => {
  await using under = await adopted();
  assert.deepEqual(readFileSync(blobPath(under.directory, layer.digest)), layer.content);
  assert.equal(existsSync(join(under.directory, 'docker')), false);
  assert.equal(existsSync(join(under.directory, 'scheduler-state.json')), false);
});

test('an adoption that was interrupted is continued', async () => {
  await using under = await adopted();
  await under.store.close();
  // Blobs moved, links not yet entered.
  const link = join(under.directory, 'docker/registry/v2/repositories/library/two/_layers/sha256');
  write(join(link, layer.digest.slice(7), 'link'), layer.digest);
  const store = await under.reopen();
  assert.equal(store.presence(layer.digest, A2), 'linked');
});

test('a blob that was damaged there is not served', async () => {
  const under = await localStore({ policies: ONE });
  await using _closing = under;
  await under.store.close();
  writeDistributionStore(under.directory);
  const hex = layer.digest.slice(7);
  write(
    join(under.directory, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'),
    Buffer.alloc(100_000),
  );
  const store = await under.reopen({ adoptDistribution: 'a.example' });
  assert.equal(await store.open(layer.digest), undefined);
});

test('with several caches it is refused, in a sentence that says what to do, and nothing is changed', async () => {
  await using under = await localStore();
  await under.store.close();
  writeDistributionStore(under.directory);
  await assert.rejects(
    under.reopen({ adoptDistribution: 'ambiguous' }),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'STORE_ADOPTION_AMBIGUOUS');
      assert.ok(error.message.includes(under.directory));
      assert.match(error.hint, /only that upstream/);
      return true;
    },
  );
  assert.ok(existsSync(join(under.directory, 'docker/registry/v2/blobs')));
  assert.ok(existsSync(join(under.directory, 'scheduler-state.json')));
});

test('with several caches a directory without a Distribution store is opened', async () => {
  await using under = await localStore({ adoptDistribution: 'ambiguous' });
  assert.equal(under.store.stats().objects, 0);
});

function manifestOf(of: Body): Body {
  const part = (mediaType: string) => ({ mediaType, digest: of.digest, size: of.content.length });
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: part('application/vnd.docker.container.image.v1+json'),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip')],
    }),
  );
  return { digest: digestOf(content), content };
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
