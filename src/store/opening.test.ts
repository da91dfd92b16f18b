import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { readWhole } from '../../test/store/read-whole.ts';
import { A, A2, B, MIB, body, fill, keep, localStore, policies } from '../../test/store/harness.ts';
import { blobPath } from '../../test/store/paths.ts';
import { systemClock } from '../kit/clock.ts';
import { silentLogger, type Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareStoreMetrics } from './metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { digestOf } from '../oci/digest.ts';
import { openStore } from './store.ts';

function openIn(directory: string) {
  const deps = {
    clock: systemClock,
    logger: silentLogger,
    metrics: declareStoreMetrics(createMetricsRegistry()),
    tasks: new TaskGroup(silentLogger),
  };
  return openStore(deps, { directory, maxBytes: MIB, policies: new Map() });
}

test('a second store on the same directory is refused with what to do, until the first one has closed', async () => {
  using directory = tempDir();
  const first = await openIn(directory.path);
  await assert.rejects(openIn(directory.path), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'STORE_IN_USE');
    assert.ok(error.message.includes(directory.path));
    assert.match(error.hint, /--store/);
    return true;
  });
  await first.close();
  await (await openIn(directory.path)).close();
});

test('a directory that cannot be made is refused in one sentence that names it', async () => {
  using directory = tempDir();
  directory.write('file', 'not a directory');
  for (const path of [join(directory.path, 'file'), join(directory.path, 'file', 'below'), '/proc/larder']) {
    await assert.rejects(openIn(path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'STORE_UNUSABLE');
      assert.ok(error.message.includes(path) && !error.message.includes('\n'), error.message);
      return true;
    });
  }
});

test('the directory makes backup programs skip it', async () => {
  await using under = await localStore();
  const tag = readFileSync(join(under.directory, 'CACHEDIR.TAG'), 'utf8');
  assert.ok(tag.startsWith('Signature: 8a477f597d28d172789f06886806bc55'));
});

for (const [what, damage] of [
  ['deleted', (path: string) => rmSync(path)],
  ['overwritten', (path: string) => writeFileSync(path, 'garbage'.repeat(5000))],
  ['cut', (path: string) => truncateSync(path, 5000)],
  [
    'of another version',
    (path: string) => withDatabase(path, (index) => index.exec('PRAGMA user_version = 99')),
  ],
  ['without its tables', (path: string) => withDatabase(path, (index) => index.exec('DROP TABLE contents'))],
] as const) {
  test(`an index that is ${what} is rebuilt from the files, which are served at once`, async () => {
    await using under = await localStore();
    const blob = body(50_000);
    const content = Buffer.from(
      JSON.stringify({ schemaVersion: 2, config: { digest: blob.digest, size: 50_000 } }),
    );
    const manifest = { digest: digestOf(content), content };
    await keep(under.store, blob);
    await under.store.put(manifest.digest, manifest.content, {
      type: 'manifest',
      mediaType: 'x/y',
      repositoryId: A,
    });
    await under.store.close();
    damage(join(under.directory, 'index.sqlite'));
    const store = await under.reopen();
    assert.equal(store.presence(blob.digest, A), 'unlinked');
    assert.equal(store.presence(blob.digest, B), 'unlinked');
    const opened = await store.open(blob.digest);
    assert.equal(opened?.size, 50_000);
    opened?.close();
    assert.deepEqual((await store.read(manifest.digest))?.content, manifest.content);
    assert.equal(store.info(manifest.digest)?.type, 'manifest');
    assert.equal(store.info(manifest.digest)?.mediaType, 'application/vnd.oci.image.manifest.v1+json');
    store.link(blob.digest, A2);
    assert.equal(store.presence(blob.digest, A2), 'linked');
    assert.equal(store.presence(blob.digest, B), 'foreign');
    await waitFor(() => store.stats().objects === 2);
  });
}

const BEFORE_CALLERS = 'ALTER TABLE links DROP COLUMN caller_at';
const BEFORE_WORTH = `${BEFORE_CALLERS}; DROP INDEX contents_by_worth; ALTER TABLE contents DROP COLUMN worth`;
const BEFORE_SUMS = `${BEFORE_WORTH}; DROP TABLE sums; ALTER TABLE contents ADD COLUMN verified_mtime REAL`;
const OLDER_INDEXES = {
  1: `${BEFORE_SUMS}; DROP TABLE public_repositories`,
  2: BEFORE_SUMS,
  3: BEFORE_WORTH,
  4: BEFORE_CALLERS,
};

for (const [version, downgrade] of Object.entries(OLDER_INDEXES)) {
  test(`an index of version ${version} keeps what it knows, and content has its sums when it was read once`, async () => {
    await using under = await localStore();
    const blob = body(200_000);
    await keep(under.store, blob);
    await under.store.close();
    const path = join(under.directory, 'index.sqlite');
    withDatabase(path, (index) => index.exec(`${downgrade}; PRAGMA user_version = ${version}`));
    const store = await under.reopen();
    assert.equal(store.presence(blob.digest, A), 'linked');
    const content = await store.open(blob.digest);
    assert.ok(content !== undefined);
    assert.deepEqual(await readWhole(content), blob.content);
    content.close();
    store.setPublic(A, 1000);
    assert.equal((await under.reopen()).publicAt(A), 1000);
    await under.store.close();
    withDatabase(path, (index) => assert.equal(index.prepare('SELECT * FROM sums').all().length, 1));
  });
}

test('in an index of version 3, without worth, the least recently used goes first', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 250_000 } }) });
  await keep(under.store, body(100_000, 1));
  under.clock.advance(60_000);
  await keep(under.store, body(100_000, 2));
  under.store.touch(body(100_000, 1).digest);
  await under.store.close();
  withDatabase(join(under.directory, 'index.sqlite'), (index) =>
    index.exec(`${BEFORE_WORTH}; PRAGMA user_version = 3`),
  );
  const store = await under.reopen();
  under.clock.advance(60_000);
  store.touch(body(100_000, 2).digest);
  await keep(store, body(100_000, 3));
  assert.equal(store.presence(body(100_000, 1).digest, A), 'absent');
  assert.equal(store.presence(body(100_000, 2).digest, A), 'linked');
});

test('with one upstream, content found without an index counts for it', async () => {
  const one = new Map([['a.example', { ttlMs: 0, maxBytes: 100_000 }]]);
  await using under = await localStore({ policies: one });
  await keep(under.store, body(60_000));
  await under.store.close();
  rmSync(join(under.directory, 'index.sqlite'));
  const store = await under.reopen();
  assert.equal(store.presence(body(60_000).digest, A), 'unlinked');
  await keep(store, body(60_000, 2));
  assert.equal(store.presence(body(60_000).digest, A), 'absent');
});

test('after the index was lost nothing is stored before the files are counted, so that the limit holds', async () => {
  await using under = await localStore({ maxBytes: 4 * MIB });
  for (let seed = 1; seed <= 3; seed += 1) await keep(under.store, body(MIB, seed));
  await under.store.close();
  rmSync(join(under.directory, 'index.sqlite'));
  const store = await under.reopen();
  await keep(store, body(MIB, 4));
  assert.ok(under.bytesOnDisk() <= 4 * MIB);
  assert.ok(store.stats().bytes >= under.bytesOnDisk());
});

test('a file that vanished is noticed by the walk at the start', async () => {
  await using under = await localStore();
  await keep(under.store, body(1000, 1));
  await keep(under.store, body(1000, 2));
  await under.store.close();
  rmSync(blobPath(under.directory, body(1000, 1).digest));
  const store = await under.reopen();
  await waitFor(() => store.stats().objects === 1);
  assert.equal(store.info(body(1000, 1).digest), undefined);
});

test('an index that fails while it runs is logged once, and content is served and stored without it', async () => {
  const errors: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message) => void errors.push(message),
    with: () => logger,
  };
  await using under = await localStore({}, { logger });
  const { store } = under;
  const before = body(20_000, 1);
  await keep(store, before);
  // The triggers fail every write from now on, as a full disk does.
  await store.close();
  withDatabase(join(under.directory, 'index.sqlite'), (index) => {
    for (const table of ['contents', 'holders', 'links', 'tags']) {
      for (const event of ['INSERT', 'UPDATE', 'DELETE']) {
        index.exec(
          `CREATE TRIGGER fail_${table}_${event} BEFORE ${event} ON ${table} BEGIN SELECT RAISE(FAIL, 'disk full'); END`,
        );
      }
    }
  });
  const broken = await under.reopen();
  assert.equal(broken.presence(before.digest, A), 'linked');
  const during = body(20_000, 2);
  (await fill(broken, during)).close();
  assert.equal(broken.presence(during.digest, A), 'linked');
  assert.equal((await broken.open(during.digest))?.size, 20_000);
  broken.putTag(
    { ...A, tag: 'x' as never, acceptClass: '*' },
    { digest: during.digest, mediaType: '', size: 1, validatedAt: 1 },
  );
  assert.equal(errors.length, 1, errors.join('\n'));
});

test('policies may name fewer upstreams than the store has content of', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 100_000 } }) });
  await keep(under.store, body(50_000), B);
  const store = await under.reopen({ policies: new Map() });
  assert.equal(store.presence(body(50_000).digest, B), 'linked');
  assert.ok(existsSync(blobPath(under.directory, body(50_000).digest)));
});

function withDatabase(path: string, work: (index: DatabaseSync) => void): void {
  const index = new DatabaseSync(path);
  try {
    work(index);
  } finally {
    index.close();
  }
}
