import assert from 'node:assert/strict';
import fs, {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mock, test } from 'node:test';
import { tempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { distributionTree, type DistributionTree } from '../../../test/store/distribution-tree.ts';
import { A, A2, body, fill, localStore, type Body, type LocalStore } from '../../../test/store/harness.ts';
import { failingReads } from '../../../test/store/failing-reads.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { acceptClass } from '../../oci/media-types.ts';
import { digestOf, type Digest } from '../../oci/digest.ts';
import { parseTag } from '../../oci/reference.ts';
import type { StoreOptions } from '../store.ts';
import { layoutOf } from '../files/layout.ts';
import { distributionLayoutOf } from './distribution-layout.ts';

const layer = body(100_000);
const manifest = manifestOf(layer);
const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const CONTAINERD = acceptClass(
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, ' +
    'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*',
);
const latest = { ...A, tag: parseTag('latest'), acceptClass: CONTAINERD };
const ONE = new Map([['a.example', { ttlMs: 0, maxBytes: undefined }]]);
const HOUR_MS = 3_600_000;

/** Writes the files of one image, `library/one:latest`, which were written `hours` before the test's clock. */
function writeImage(tree: DistributionTree, now: number, hours = 1): void {
  const at = now - hours * HOUR_MS;
  tree.blob(layer);
  tree.blob(manifest);
  tree.link('library/one', '_layers', layer.digest, at);
  tree.link('library/one', '_manifests/revisions', manifest.digest, at);
  tree.tag('library/one', 'latest', manifest.digest, at);
  tree.upload('library/one');
  tree.schedulerState();
}

/** A store that opens over the files that `write` leaves; by default the image above. */
async function adopting(
  options: Partial<StoreOptions> = {},
  write: (tree: DistributionTree, now: number) => void = writeImage,
): Promise<LocalStore> {
  const under = await localStore({ policies: ONE, ...options });
  await under.store.close();
  write(distributionTree(under.directory), under.clock.now());
  await under.reopen({ adoptDistribution: 'a.example' });
  return under;
}

function isAdopted({ directory }: LocalStore): boolean {
  return !existsSync(distributionLayoutOf(directory).top) && !existsSync(layoutOf(directory).adopted);
}

test('images are served from the first request, before anything was adopted in the background', async () => {
  await using under = await adopting();
  const { store, directory } = under;
  const docker = distributionLayoutOf(directory);
  assert.ok(existsSync(docker.blob(layer.digest)), 'nothing was adopted yet');
  assert.equal(store.tag(latest)?.digest, manifest.digest);
  assert.equal(store.presence(layer.digest, A), 'linked');
  assert.equal(store.presence(manifest.digest, A), 'linked');
  assert.equal(store.presence(layer.digest, A2), 'unlinked');
  assert.equal(store.info(manifest.digest)?.mediaType, MANIFEST_TYPE);
  assert.ok(!existsSync(docker.blob(layer.digest)), 'what is requested is moved at once');
  assert.deepEqual((await store.read(manifest.digest))?.content, manifest.content);
  const content = await store.open(layer.digest);
  assert.equal(content?.size, 100_000);
  content?.close();
});

test('everything is adopted in the background: files are moved, and nothing of the old layout is left', async () => {
  await using under = await adopting();
  const inode = statSync(distributionLayoutOf(under.directory).blob(layer.digest)).ino;
  await waitFor(() => isAdopted(under));
  const { store } = under;
  assert.equal(statSync(blobPath(under.directory, layer.digest)).ino, inode);
  assert.deepEqual(readFileSync(blobPath(under.directory, layer.digest)), layer.content);
  assert.equal(store.presence(layer.digest, A), 'linked');
  assert.equal(store.presence(manifest.digest, A), 'linked');
  assert.equal(store.presence(layer.digest, A2), 'unlinked');
  assert.equal(store.stats().objects, 2);
  const tag = store.tag(latest);
  assert.deepEqual(
    [tag?.digest, tag?.mediaType, tag?.size],
    [manifest.digest, MANIFEST_TYPE, manifest.content.length],
  );
  assert.equal(tag?.validatedAt, under.clock.now() - HOUR_MS);
  assert.deepEqual(
    readdirSync(under.directory).filter((name) => !name.includes('sqlite')),
    ['CACHEDIR.TAG', 'blobs', 'quarantine', 'spool'],
  );
});

test('an adoption that is interrupted again and again ends with everything, and with each body once', async () => {
  const bodies = Array.from({ length: 20 }, (_, seed) => body(1000, seed));
  const under = await localStore({ policies: ONE });
  await using _closing = under;
  await under.store.close();
  const tree = distributionTree(under.directory);
  for (const [at, of] of bodies.entries()) {
    const image = manifestOf(of);
    tree.blob(of);
    tree.blob(image);
    tree.link(`team/app${at}`, '_layers', of.digest);
    tree.link(`team/app${at}`, '_manifests/revisions', image.digest);
    tree.tag(`team/app${at}`, 'v1', image.digest);
  }
  let store = await under.reopen({ adoptDistribution: 'a.example' });
  for (let goal = 7; goal < 60; goal += 7) {
    const isThere = () => store.stats().objects >= Math.min(goal, 40) || isAdopted(under);
    while (!isThere()) await new Promise(setImmediate);
    for (let turn = 40; turn < goal; turn += 1) await new Promise(setImmediate);
    store = await under.reopen();
  }
  await waitFor(() => isAdopted(under));
  for (const [at, of] of bodies.entries()) {
    const repositoryId = { ...A, repository: `team/app${at}` as typeof A.repository };
    assert.equal(store.presence(of.digest, repositoryId), 'linked');
    assert.equal(store.presence(of.digest, A), 'unlinked');
    const tag = store.tag({ ...repositoryId, tag: parseTag('v1'), acceptClass: CONTAINERD });
    assert.equal(tag?.digest, manifestOf(of).digest);
  }
  const { bytes, objects, perUpstream } = store.stats();
  assert.equal(objects, 40);
  assert.equal(perUpstream[0]?.objects, 40);
  assert.ok(bytes >= under.bytesOnDisk(), 'nothing is on disk that does not count');
});

test('the answer of the upstream is newer than a tag that is not adopted yet', async () => {
  await using under = await adopting();
  const other = manifestOf(body(10));
  const entry = {
    digest: other.digest,
    mediaType: MANIFEST_TYPE,
    size: other.content.length,
    validatedAt: under.clock.now(),
  };
  under.store.putTag(latest, entry);
  await waitFor(() => isAdopted(under));
  assert.deepEqual(under.store.tag(latest), entry);
});

test('a tag that the upstream does not have any more stays forgotten', async () => {
  await using under = await adopting();
  under.store.dropTag(A, parseTag('latest'));
  assert.equal(under.store.tag(latest), undefined);
  await waitFor(() => isAdopted(under));
  assert.equal(under.store.tag(latest), undefined);
});

test('of a body that the store has already, the second copy is removed', async () => {
  await using under = await adopting({ adoptDistribution: undefined });
  const { store } = under;
  const inodeOf = () => statSync(blobPath(under.directory, layer.digest)).ino;
  const content = await store.open(layer.digest);
  const inode = inodeOf();
  distributionTree(under.directory).blob(layer);
  await waitFor(() => isAdopted(under));
  assert.equal(inodeOf(), inode);
  assert.deepEqual(await content?.read(Buffer.alloc(65_536), 0, 10), layer.content.subarray(0, 10));
  content?.close();
  assert.equal(store.stats().objects, 2);
});

test('what is not adopted yet counts for the limits', async () => {
  const big = body(600_000, 7);
  await using under = await adopting({ maxBytes: 2_000_000 }, (tree) => {
    tree.blob(big);
    tree.link('library/one', '_layers', big.digest);
  });
  const { store } = under;
  const more = body(900_000, 8);
  const filled = await fill(store, more).catch((error: Error & { code?: string }) => error.code);
  if (typeof filled === 'object') filled.close();
  assert.ok(store.stats().bytes <= 2_000_000);
  assert.ok(under.bytesOnDisk() <= 2_000_000);
  await waitFor(() => isAdopted(under));
  assert.equal(await under.metrics.adoptionPending.get().then(({ values }) => values[0]?.value), 0);
});

test('a damaged blob is not served', async () => {
  await using under = await adopting({}, (tree, now) => {
    writeImage(tree, now);
    tree.blob({ digest: layer.digest, content: Buffer.alloc(100_000) });
  });
  assert.equal(await under.store.open(layer.digest), undefined);
});

test('a link without content is dropped, and names that no client can request are removed', async () => {
  await using under = await adopting({}, (tree) => {
    tree.link('library/one', '_layers', layer.digest);
  });
  const odd = join(distributionLayoutOf(under.directory).repositories, 'UPPER/_layers/sha256/short/link');
  mkdirSync(dirname(odd), { recursive: true });
  writeFileSync(odd, 'x');
  await waitFor(() => isAdopted(under));
  assert.equal(under.store.presence(layer.digest, A), 'absent');
});

test('what is in the place of a blob but no file does not hold up the rest', async () => {
  await using under = await adopting({}, (tree, now) => {
    writeImage(tree, now);
    mkdirSync(`${tree.layout.blob(body(10).digest)}/x`, { recursive: true });
    mkdirSync(dirname(tree.layout.blob(body(11).digest)), { recursive: true });
    symlinkSync('data', tree.layout.blob(body(11).digest));
  });
  await waitFor(() => isAdopted(under));
  assert.equal(under.store.presence(layer.digest, A), 'linked');
});

test('symbolic links that lead in circles are not followed', { timeout: 20_000 }, async () => {
  await using under = await adopting({}, (tree, now) => {
    writeImage(tree, now);
    for (const name of ['x', 'y', 'library/z'])
      symlinkSync(tree.layout.repositories, join(tree.layout.repositories, name));
    symlinkSync('sha512', join(tree.layout.blobs, 'sha512'));
  });
  await waitFor(() => isAdopted(under));
  assert.equal(under.store.presence(layer.digest, A), 'linked');
  assert.equal(under.store.tag(latest)?.digest, manifest.digest);
});

test('a link of any size costs no memory', async () => {
  await using under = await adopting({}, (tree, now) => {
    writeImage(tree, now);
    const link = tree.layout.tagLink(A.repository, latest.tag);
    writeFileSync(link, `${manifest.digest}\n`);
    truncateSync(link, 1 << 30);
  });
  const read = mock.method(fs, 'readFileSync');
  syncBuiltinESMExports();
  under.store.tag(latest);
  await waitFor(() => isAdopted(under));
  const links = read.mock.calls.filter(({ arguments: [path] }) => String(path).endsWith('link'));
  read.mock.restore();
  syncBuiltinESMExports();
  assert.equal(links.length, 0);
});

for (const [what, isBroken] of [
  ['a folder of blobs', (path: string) => path.endsWith(hex(layer.digest).slice(0, 2))],
  ['the folder of all blobs', (path: string) => path.endsWith('blobs/sha256')],
  ['the folder of a repository', (path: string) => path.endsWith('library/one')],
  ['the folder of tags', (path: string) => path.endsWith('/tags')],
  ['a tag', (path: string) => path.endsWith('current/link')],
] as const)
  test(`${what} that cannot be read is not taken for an empty one, and is adopted later`, async () => {
    let isFailing = true;
    let failures = 0;
    using _disk = failingReads((path) => {
      const fails = isFailing && path.includes('/docker/') && isBroken(path);
      if (fails) failures += 1;
      return fails;
    });
    await using under = await adopting();
    await waitFor(() => failures >= 2 || (under.clock.advance(10_000), false));
    assert.ok(existsSync(distributionLayoutOf(under.directory).top));
    isFailing = false;
    await waitFor(() => isAdopted(under) || (under.clock.advance(10_000), false));
    const { store } = under;
    assert.equal(store.presence(layer.digest, A), 'linked');
    assert.equal(store.presence(manifest.digest, A), 'linked');
    assert.equal(store.tag(latest)?.digest, manifest.digest);
  });

test('links and tags are on the disk before those of the registry are removed', async () => {
  await using under = await adopting();
  await waitFor(() => isAdopted(under));
  using copy = tempDir();
  // After a power cut, the log of the index may be lost.
  copyFileSync(join(under.directory, 'index.sqlite'), join(copy.path, 'index.sqlite'));
  const index = new DatabaseSync(join(copy.path, 'index.sqlite'));
  const count = (table: string) => index.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];
  assert.deepEqual([count('links'), count('tags')], [2, 4]);
  index.close();
});

test('an index in memory is no place for the links of a registry: they stay until there is another', async () => {
  await using under = await localStore({ policies: ONE });
  await under.store.close();
  writeImage(distributionTree(under.directory), under.clock.now());
  const index = join(under.directory, 'index.sqlite');
  rmSync(index);
  mkdirSync(index);
  const store = await under.reopen({ adoptDistribution: 'a.example' });
  await waitFor(() => store.stats().objects === 2);
  assert.equal(store.presence(layer.digest, A), 'linked');
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  assert.ok(existsSync(distributionLayoutOf(under.directory).top));
  await store.close();
  rmSync(index, { recursive: true });
  const again = await under.reopen();
  await waitFor(() => isAdopted(under));
  assert.equal(again.presence(layer.digest, A), 'linked');
});

test('a repository was public when a store that was filled without a login got its newest link', async () => {
  await using under = await adopting({ adoptsPublic: true }, (tree, now) => {
    writeImage(tree, now, 2);
    tree.link('library/one', '_layers', layer.digest, now - 5 * HOUR_MS);
  });
  const { store, clock } = under;
  assert.equal(store.publicAt(A), undefined);
  store.presence(layer.digest, A);
  assert.equal(store.publicAt(A), clock.now() - 5 * HOUR_MS, 'as of the link that was requested');
  await waitFor(() => isAdopted(under));
  assert.equal(store.publicAt(A), clock.now() - 2 * HOUR_MS);
  assert.equal(store.publicAt(A2), undefined);
});

test('nothing is known to be public of a store that was filled with a login', async () => {
  await using under = await adopting({ adoptsPublic: false });
  under.store.presence(layer.digest, A);
  await waitFor(() => isAdopted(under));
  assert.equal(under.store.publicAt(A), undefined);
});

test('a repository that the upstream has closed is not open for an older link, also after a restart', async () => {
  await using under = await adopting({ adoptsPublic: true });
  const { store, clock } = under;
  store.presence(layer.digest, A);
  store.setPublic(A, undefined);
  store.presence(manifest.digest, A);
  const reopened = await under.reopen();
  reopened.presence(manifest.digest, A);
  await waitFor(() => isAdopted(under));
  assert.ok(clock.now() - (reopened.publicAt(A) ?? 0) > 10 * 365 * 24 * HOUR_MS);
  reopened.setPublic(A, clock.now());
  assert.equal(reopened.publicAt(A), clock.now(), 'and opens again when the upstream says so');
});

test('with several caches it is refused, in a sentence that says what to do, and nothing is changed', async () => {
  await using under = await localStore();
  await under.store.close();
  writeImage(distributionTree(under.directory), under.clock.now());
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

const hex = (digest: Digest): string => digest.slice(7);

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
