import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  filesUntil,
  handBack,
  handBackOf,
  MANIFEST_TYPE,
  manifestOver,
  treeOf,
} from '../../../test/store/hand-back.ts';
import { A, A2, B, body, keep, localStore, type Body, type LocalStore } from '../../../test/store/harness.ts';
import { flip } from '../../../test/store/flip.ts';
import { failingReads } from '../../../test/store/failing-reads.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { runs } from '../../../test/store/runs.ts';
import { tempDir, type TempDir } from '../../../test/kit/temp.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { handBackFiles } from './hand-back-files.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseTag } from '../../oci/reference.ts';
import type { RepositoryId, Store } from '../types.ts';

const ONE = new Map([['a.example', { ttlMs: 0, maxBytes: undefined }]]);
const layer = body(100_000);
const image = manifestOver(layer);
const VALIDATED_AT = 1_690_000_000_000;

function putTag(
  store: Store,
  repositoryId: RepositoryId,
  tag: string,
  of: Body,
  at = VALIDATED_AT,
  acceptClass = '*dilm',
): void {
  const entry = { digest: of.digest, mediaType: MANIFEST_TYPE, size: of.content.length, validatedAt: at };
  store.putTag({ ...repositoryId, tag: parseTag(tag), acceptClass }, entry);
}

async function keepImage(
  store: Store,
  repositoryId: RepositoryId,
  tag?: string,
  forCaller = false,
): Promise<void> {
  const spool = await store.spool(layer.digest, repositoryId, layer.content.length);
  await spool.append([layer.content]);
  (await spool.commit({ type: 'blob', repositoryId, forCaller })).close();
  await store.put(image.digest, image.content, {
    type: 'manifest',
    mediaType: MANIFEST_TYPE,
    repositoryId,
    forCaller,
  });
  if (tag !== undefined) putTag(store, repositoryId, tag, image);
}

/** A closed store with an image in `library/one`. */
async function filled(tag = 'latest', forCaller = false): Promise<LocalStore> {
  const under = await localStore({ policies: ONE });
  await keepImage(under.store, A, tag, forCaller);
  await under.store.close();
  return under;
}

const hex = (digest: Digest): string => digest.slice(7);
const data = (of: Body): string =>
  `docker/registry/v2/blobs/sha256/${hex(of.digest).slice(0, 2)}/${hex(of.digest)}/data`;
const link = (kind: string, of: Body, repository = 'library/one'): string =>
  `docker/registry/v2/repositories/${repository}/${kind}/sha256/${hex(of.digest)}/link`;
const tags = (tag: string, repository = 'library/one'): string =>
  `docker/registry/v2/repositories/${repository}/_manifests/tags/${tag}`;

/** The files of Distribution with the image in `library/one`. */
const WHOLE = {
  [data(layer)]: '100000 bytes',
  [data(image)]: `${image.content.length} bytes`,
  [link('_layers', layer)]: layer.digest,
  [link('_manifests/revisions', image)]: image.digest,
  [`${tags('latest')}/current/link`]: image.digest,
  [`${tags('latest')}/index/sha256/${hex(image.digest)}/link`]: image.digest,
};

test('the files of a store become those of Distribution, and no others are left', async () => {
  await using under = await filled();
  mkdirSync(join(under.directory, 'documents'), { recursive: true });
  writeFileSync(join(under.directory, 'documents', 'keys'), 'x');
  writeFileSync(join(under.directory, 'spool', 'gone-1'), 'x');
  writeFileSync(join(under.directory, 'quarantine', 'x'), 'x');
  mkdirSync(join(under.directory, 'docker.adopted', 'registry'), { recursive: true });
  const work = await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
  assert.deepEqual(readdirSync(under.directory), ['docker']);
  assert.deepEqual(readFileSync(join(under.directory, data(layer))), layer.content);
  assert.equal(
    Math.floor(statSync(join(under.directory, `${tags('latest')}/current/link`)).mtimeMs),
    VALIDATED_AT,
  );
  assert.deepEqual(work.stats(), {
    state: 'done',
    error: undefined,
    objects: 2,
    totalObjects: 2,
    dropped: { private: 0, unlinked: 0, damaged: 0 },
  });
});

test('a store that was handed back, or never was, is left alone, also by the lock', async () => {
  await using under = await filled();
  await handBack(under.directory);
  await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
  await handBack(join(under.directory, 'nothing'));
  assert.equal(existsSync(join(under.directory, 'nothing')), false);
});

test('an adoption that had not ended is undone, also without an index', async () => {
  await using under = await filled();
  await handBack(under.directory);
  const taken = blobPath(under.directory, layer.digest);
  mkdirSync(dirname(taken), { recursive: true });
  renameSync(join(under.directory, data(layer)), taken);
  await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
  const store = await under.reopen({ adoptDistribution: 'a.example' });
  assert.equal(store.presence(layer.digest, A), 'linked');
  await store.close();
  await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
});

test('a store that another process uses is not handed back', async () => {
  await using under = await localStore({ policies: ONE });
  assert.throws(
    () => handBackOf(under.directory),
    (error) => isLarderError(error, 'STORE_IN_USE'),
  );
});

test('of the targets of a tag the one that was confirmed last is handed back, if everyone may have it', async () => {
  await using under = await localStore({ policies: ONE });
  const newer = manifestOver(body(10));
  await keepImage(under.store, A, 'moved');
  await under.store.put(newer.digest, newer.content, {
    type: 'manifest',
    mediaType: MANIFEST_TYPE,
    repositoryId: A,
  });
  putTag(under.store, A, 'moved', newer, VALIDATED_AT + 1, 'dilm');
  putTag(under.store, A, 'elsewhere', manifestOver(body(11)));
  putTag(under.store, A2, 'unlinked', image);
  await under.store.close();
  await handBack(under.directory);
  const found = Object.entries(treeOf(under.directory)).filter(([path]) => path.includes('/tags/'));
  assert.deepEqual(Object.fromEntries(found), {
    [`${tags('moved')}/current/link`]: newer.digest,
    [`${tags('moved')}/index/sha256/${hex(newer.digest)}/link`]: newer.digest,
  });
});

describe('content for everyone', () => {
  interface Case {
    readonly title: string;
    readonly forCaller: boolean;
    readonly isShared: boolean;
    /** Anonymous answers of the upstream, as minutes after the image was stored; undefined: it was refused. */
    readonly publicAt?: readonly (number | undefined)[];
    readonly isBack: boolean;
  }
  const cases: readonly Case[] = [
    { title: 'came with the configured login', forCaller: false, isShared: true, isBack: true },
    {
      title: 'came with a caller’s login, before the login was configured',
      forCaller: true,
      isShared: true,
      isBack: false,
    },
    { title: 'came without a login', forCaller: false, isShared: false, publicAt: [0], isBack: true },
    {
      title: 'came without a login, and is private now',
      forCaller: false,
      isShared: false,
      publicAt: [0, undefined],
      isBack: false,
    },
    {
      title: 'came with the configured login, which is not configured any more',
      forCaller: false,
      isShared: false,
      isBack: false,
    },
    { title: 'came with a caller’s login', forCaller: true, isShared: false, isBack: false },
    {
      title: 'came with a caller’s login into a repository that had been public',
      forCaller: true,
      isShared: false,
      publicAt: [-5],
      isBack: false,
    },
    {
      title: 'came with a caller’s login, and is public',
      forCaller: true,
      isShared: false,
      publicAt: [5],
      isBack: true,
    },
  ];
  for (const { title, forCaller, isShared, publicAt = [], isBack } of cases)
    test(`${isBack ? 'is' : 'is not'} what ${title}`, async () => {
      await using under = await localStore({ policies: ONE });
      await keepImage(under.store, A, 'latest', forCaller);
      const now = under.clock.now();
      for (const minutes of publicAt)
        under.store.setPublic(A, minutes === undefined ? undefined : now + minutes * 60_000);
      await under.store.close();
      const work = await handBack(under.directory, { isShared });
      assert.deepEqual(treeOf(under.directory), isBack ? WHOLE : {});
      assert.equal(work.stats().dropped.private, isBack ? 0 : 2);
    });

  test('is so in each repository by itself', async () => {
    await using under = await filled();
    const store = await under.reopen();
    store.link(layer.digest, A2, true);
    await store.close();
    await handBack(under.directory);
    assert.deepEqual(treeOf(under.directory), WHOLE);
  });
});

test('links of an earlier hand-back go, if their repository is private now', async () => {
  await using under = await filled();
  await handBack(under.directory);
  const store = await under.reopen({ adoptDistribution: 'a.example' });
  store.setPublic(A, undefined);
  await waitFor(() => !existsSync(join(under.directory, 'docker')));
  await store.close();
  const earlier = [link('_layers', layer), `${tags('latest')}/current/link`].map((path) =>
    join(under.directory, path),
  );
  for (const path of earlier) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, layer.digest);
  }
  await handBack(under.directory, { isShared: false });
  assert.deepEqual(treeOf(under.directory), {});
});

test('links and tags are no younger than the last proof that everyone may have the repository', async () => {
  await using under = await localStore({ policies: ONE });
  const provenAt = under.clock.now() - 60_000;
  await keepImage(under.store, A);
  putTag(under.store, A, 'latest', image, under.clock.now());
  under.store.setPublic(A, provenAt);
  await under.store.close();
  await handBack(under.directory, { isShared: false });
  for (const path of [link('_layers', layer), `${tags('latest')}/current/link`])
    assert.equal(statSync(join(under.directory, path)).mtimeMs, provenAt);
});

test('content of other upstreams, and what no repository has, is removed', async () => {
  await using under = await localStore();
  await keepImage(under.store, A, 'latest');
  await keep(under.store, body(5000, 2), B);
  const unknown = body(5000, 3);
  mkdirSync(dirname(blobPath(under.directory, unknown.digest)), { recursive: true });
  writeFileSync(blobPath(under.directory, unknown.digest), unknown.content);
  await under.store.close();
  const work = await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
  assert.equal(work.stats().dropped.unlinked, 2);
});

for (const [what, damage] of [
  ['flipped bits', (path: string) => flip(path, 70_000)],
  ['its end missing', (path: string) => truncateSync(path, 99_999)],
] as const)
  test(`a blob with ${what} is not handed back, and the rest is`, async () => {
    await using under = await filled();
    damage(blobPath(under.directory, layer.digest));
    const work = await handBack(under.directory);
    const { [data(layer)]: _data, [link('_layers', layer)]: _link, ...rest } = WHOLE;
    assert.deepEqual(treeOf(under.directory), rest);
    assert.equal(work.stats().dropped.damaged, 1);
  });

test('a damaged manifest is not handed back, nor its tags', async () => {
  await using under = await filled();
  flip(blobPath(under.directory, image.digest), 5);
  await handBack(under.directory);
  assert.deepEqual(Object.keys(treeOf(under.directory)).toSorted(), [data(layer), link('_layers', layer)]);
});

describe('with a ttl', () => {
  const HOUR = 3_600_000;

  test('the state of the scheduler says when content expires: a ttl after its last use', async () => {
    await using under = await filled();
    await handBack(under.directory, { ttlMs: HOUR });
    const state = JSON.parse(readFileSync(join(under.directory, 'scheduler-state.json'), 'utf8')) as unknown;
    const at = new Date(under.clock.now() + HOUR).toISOString();
    const entry = (of: Body, EntryType: number) => {
      const Key = `library/one@${of.digest}`;
      return [Key, { Key, ExpiryData: at, EntryType }] as const;
    };
    assert.deepEqual(state, Object.fromEntries([entry(layer, 0), entry(image, 1)]));
  });

  test('entries of an adoption that had not ended stay, but those of content that is handed back', async () => {
    await using under = await filled();
    const older = { 'x@sha256:0': { Key: 'x@sha256:0' }, [`library/one@${layer.digest}`]: {} };
    writeFileSync(join(under.directory, 'scheduler-state.json'), JSON.stringify(older));
    await handBack(under.directory, { ttlMs: HOUR });
    const text = readFileSync(join(under.directory, 'scheduler-state.json'), 'utf8');
    const state = JSON.parse(text) as Record<string, { Key?: string }>;
    assert.deepEqual(Object.keys(state).length, 3);
    assert.equal(state[`library/one@${layer.digest}`]?.Key, `library/one@${layer.digest}`);
  });

  test('a store without content has a state without entries', async () => {
    await using under = await localStore();
    await under.store.close();
    await handBack(under.directory, { ttlMs: HOUR });
    assert.deepEqual(treeOf(under.directory), { 'scheduler-state.json': '{}' });
  });
});

describe('after a crash at any step', () => {
  /** Every step is tried in long runs. */
  const stride = runs(4) > 4 ? 1 : 4;

  test('the next hand-back goes on', async () => {
    await using under = await filled();
    for (let steps = 0, done = false; !done; steps += stride) {
      using copy = copyOf(under.directory);
      done = await killedAfter(copy.path, steps);
      await handBack(copy.path, { ttlMs: 1000 });
      const { 'scheduler-state.json': _state, ...tree } = treeOf(copy.path);
      assert.deepEqual(tree, WHOLE, `after ${steps} steps`);
    }
  });

  test('a start that does not hand back takes everything over again', async () => {
    await using under = await filled();
    for (let steps = 0, done = false; !done; steps += stride) {
      using copy = copyOf(under.directory);
      done = await killedAfter(copy.path, steps);
      const store = await under.reopen({ directory: copy.path, adoptDistribution: 'a.example' });
      await assertHasImage(store, `after ${steps} steps`);
      await store.close();
    }
  });
});

function copyOf(directory: string): TempDir {
  const copy = tempDir();
  cpSync(directory, copy.path, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** Begins to hand back, and ends after so many changes of the disk. True if that was enough to complete the work. */
async function killedAfter(directory: string, steps: number): Promise<boolean> {
  const killed = new AbortController();
  // The work ends where it would wait to try again.
  const clock = new ManualClock();
  clock.after = () => (queueMicrotask(() => killed.abort()), () => {});
  const work = handBackOf(directory, { ttlMs: 1000 }, { clock, files: filesUntil(steps) });
  await work.run(killed.signal);
  work.close();
  return work.stats().state === 'done';
}

async function assertHasImage(store: Store, message: string): Promise<void> {
  await waitFor(
    () => store.presence(layer.digest, A) === 'linked' && store.presence(image.digest, A) === 'linked',
  );
  const content = await store.open(layer.digest);
  assert.equal(content?.size, 100_000, message);
  content?.close();
  await waitFor(
    () => store.tag({ ...A, tag: parseTag('latest'), acceptClass: '*dilm' })?.digest === image.digest,
  );
}

test('a disk that fails is no end: the work is done once the disk works again', async () => {
  await using under = await filled();
  const clock = new ManualClock();
  let isBroken = true;
  const move = (from: string, to: string): Promise<void> =>
    isBroken ? Promise.reject(new Error('EIO')) : handBackFiles.move(from, to);
  const work = handBackOf(under.directory, {}, { clock, files: { ...handBackFiles, move } });
  const running = work.run(new AbortController().signal);
  await waitFor(() => work.stats().state === 'failed');
  assert.equal(work.stats().error, 'EIO');
  isBroken = false;
  clock.advance(60_000);
  await running;
  assert.equal(work.stats().state, 'done');
  assert.deepEqual(treeOf(under.directory), WHOLE);
});

test('a folder that cannot be read is not taken for an empty one: nothing is removed', async () => {
  await using under = await filled();
  let isFailing = true;
  using _disk = failingReads(
    (path) => isFailing && path.endsWith('/blobs/sha256') && !path.includes('docker'),
  );
  const clock = new ManualClock();
  const work = handBackOf(under.directory, {}, { clock });
  const end = work.run(new AbortController().signal);
  await waitFor(() => work.stats().state === 'failed');
  assert.ok(existsSync(blobPath(under.directory, layer.digest)));
  isFailing = false;
  clock.advance(60_000);
  await end;
  work.close();
  assert.deepEqual(treeOf(under.directory), WHOLE);
});

test('the removal of an adopted registry ends when the process is to end, and goes on at the next start', async () => {
  await using under = await filled();
  const adopted = join(under.directory, 'docker.adopted');
  for (let at = 0; at < 50; at += 1) mkdirSync(join(adopted, `${at}`), { recursive: true });
  const stop = new AbortController();
  const remove: typeof handBackFiles.remove = (path, signal) => {
    if (path === adopted) stop.abort();
    return handBackFiles.remove(path, signal);
  };
  const work = handBackOf(under.directory, {}, { files: { ...handBackFiles, remove } });
  await work.run(stop.signal);
  work.close();
  assert.equal(readdirSync(adopted).length, 50);
  await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
  assert.equal(existsSync(adopted), false);
});

test('an index that cannot be opened is not taken for an empty one: nothing is removed', async () => {
  await using under = await filled();
  const index = join(under.directory, 'index.sqlite');
  const bytes = readFileSync(index);
  rmSync(index);
  mkdirSync(index);
  const stop = new AbortController();
  const work = handBackOf(under.directory);
  const running = work.run(stop.signal);
  await waitFor(() => work.stats().state === 'failed');
  stop.abort();
  await running;
  work.close();
  assert.ok(existsSync(blobPath(under.directory, layer.digest)));
  rmSync(index, { recursive: true });
  writeFileSync(index, bytes);
  await handBack(under.directory);
  assert.deepEqual(treeOf(under.directory), WHOLE);
});

test('property: what is handed back and adopted again is there as before', async () => {
  const repositories = [A, A2];
  const content = fc.record({
    seed: fc.integer({ min: 1, max: 6 }),
    isManifest: fc.boolean(),
    where: fc.integer({ min: 0, max: 1 }),
    tag: fc.option(fc.constantFrom('v1', 'v2')),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(content, { maxLength: 12 }), async (all) => {
      await using under = await localStore({ policies: ONE });
      const bodies = new Map<Digest, Body>();
      for (const { seed, isManifest, where, tag } of all) {
        const repositoryId = repositories[where] ?? A;
        const of = isManifest ? manifestOver(body(1000, seed)) : body(1000, seed);
        bodies.set(of.digest, of);
        if (isManifest)
          await under.store.put(of.digest, of.content, {
            type: 'manifest',
            mediaType: MANIFEST_TYPE,
            repositoryId,
          });
        else await keep(under.store, of, repositoryId);
        if (isManifest && tag !== null) putTag(under.store, repositoryId, tag, of);
      }
      const factsOf = (store: Store) => ({
        presences: [...bodies.keys()].flatMap((digest) =>
          repositories.map((id) => store.presence(digest, id)),
        ),
        types: [...bodies.keys()].map((digest) => [store.info(digest)?.type, store.info(digest)?.mediaType]),
        tags: repositories.flatMap((id) =>
          ['v1', 'v2'].map((tag) => store.tag({ ...id, tag: parseTag(tag), acceptClass: '*dilm' })),
        ),
      });
      const before = factsOf(under.store);
      await under.store.close();
      await handBack(under.directory);
      const store = await under.reopen({ adoptDistribution: 'a.example' });
      await waitFor(() => !existsSync(join(under.directory, 'docker')));
      assert.deepEqual(factsOf(store), before);
    }),
    { numRuns: runs(4) },
  );
});
