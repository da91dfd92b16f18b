/** docs/laws.md, "Bounded": the store's limits hold under load. "Do no harm": a full store harms no pull. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  blobOf,
  get,
  imageOf,
  pullImage,
  startUpstream,
  tempDir,
  waitFor,
  type TestBlob,
} from '../kit/index.ts';
import { blobPath } from '../store/paths.ts';
import { damage, zero } from './damage/kinds.ts';
import { ask } from './damage/verdict.ts';
import { blobUrl, cacheStatus, configOf, MiB, startCache, type Addressed } from './setting.ts';
import { newBlob, newImage, shareLarder } from './shared-larder.ts';

const shared = shareLarder();

test('maxSize is never exceeded while many bodies come in, running fills included, and the newest stay', async () => {
  const blobs = Array.from({ length: 24 }, (_, index) => blobOf(2 * MiB, index));
  await using upstream = await startUpstream();
  for (const blob of blobs) upstream.push('team/app', blob);
  await using larder = await startCache(upstream, { cache: { garbageCollection: { maxSize: '16Mi' } } });

  let most = 0;
  const watching = new AbortController();
  const watch = (async () => {
    while (!watching.signal.aborted) {
      most = Math.max(most, contentBytes(larder.store));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let index = 0; index < blobs.length; index += 4) {
    await Promise.all(blobs.slice(index, index + 4).map((blob) => whole(larder, blob)));
  }
  watching.abort();
  await watch;
  assert.ok(most > 8 * MiB && most <= 16 * MiB, `${most / MiB} MiB at most`);
  assert.ok((await larder.metric('larder_evictions_total', { reason: 'budget' })) >= 16);

  upstream.reset();
  assert.deepEqual(
    cacheStatus(await get(blobUrl(larder, 'team/app', blobs[23] as TestBlob), { body: 'hash' })),
    ['larder', 'hit'],
  );
  assert.equal(upstream.count(), 0);
});

test('--max-size limits the whole store, and is shown by the metrics', async () => {
  await using upstream = await startUpstream();
  const blobs = Array.from({ length: 12 }, (_, index) => blobOf(4 * MiB, index));
  for (const blob of blobs) upstream.push('team/app', blob);
  await using larder = await startCache(upstream, { flags: ['--max-size', '24Mi'] });
  assert.equal(await larder.metric('larder_store_limit_bytes'), 24 * MiB);
  for (const blob of blobs) {
    await whole(larder, blob);
    assert.ok((await larder.metric('larder_store_bytes')) <= 24 * MiB);
  }
  assert.ok(allBytes(larder.store) <= 24 * MiB, `${allBytes(larder.store) / MiB} MiB`);
});

test('the metrics show the budget of each upstream that has one, as the configuration now says', async () => {
  await using upstream = await startUpstream();
  const blob = blobOf(2 * MiB, 1);
  upstream.push('team/app', blob);
  const own = { upstream_host: upstream.host };
  const withBudget = (maxSize?: string): object =>
    configOf(upstream, { garbageCollection: maxSize === undefined ? {} : { maxSize } });
  await using larder = await startCache(upstream, { flags: ['--max-size', '24Mi'] });
  await whole(larder, blob);
  const shown = async (name: string): Promise<readonly (readonly [labels: object, value: number])[]> =>
    (await larder.metrics()).series.flatMap((one) =>
      one.name === name ? [[one.labels, one.value] as const] : [],
    );
  const limits = (): ReturnType<typeof shown> => shown('larder_store_limit_bytes');
  assert.deepEqual(await limits(), [[{}, 24 * MiB]]);
  for (const MiBs of [8, 4]) {
    larder.writeConfig(withBudget(`${MiBs}Mi`));
    await waitFor(async () => (await larder.metric('larder_store_limit_bytes', own)) === MiBs * MiB);
    assert.deepEqual(await limits(), [
      [{}, 24 * MiB],
      [own, MiBs * MiB],
    ]);
    assert.equal(await larder.metric('larder_store_bytes', own), 2 * MiB);
  }
  larder.writeConfig(withBudget());
  await waitFor(async () => (await limits()).length === 1);
  assert.equal((await shown('larder_store_bytes')).length, 1);
});

test('a blob larger than the limit is served whole, in ranges too, is not stored, and drives nothing else out', async () => {
  const [small, large] = [blobOf(2 * MiB, 1), blobOf(12 * MiB, 2)];
  const image = imageOf({ layers: [small, large] });
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  await using larder = await startCache(upstream, { cache: { garbageCollection: { maxSize: '8Mi' } } });
  await pullImage(larder.registry, 'team/app', 'v1');
  const again = await get(blobUrl(larder, 'team/app', large), { body: { expect: large } });
  assert.equal(again.complete && again.matches && again.bytes === large.size, true);
  assert.deepEqual(cacheStatus(again), ['larder', 'fwd=bypass', 'detail=STORE_FULL']);
  const part = await get(blobUrl(larder, 'team/app', large), {
    headers: { range: `bytes=${9 * MiB}-` },
    body: { expect: large, from: 9 * MiB },
  });
  assert.equal(part.status, 206);
  assert.equal(part.complete && part.matches && part.bytes === 3 * MiB, true);
  assert.deepEqual(cacheStatus(await get(blobUrl(larder, 'team/app', small))), ['larder', 'hit']);
  assert.equal(await larder.metric('larder_evictions_total'), 0);
  assert.ok(contentBytes(larder.store) <= 8 * MiB);
});

shared.test(
  'a blob larger than the limit is served whole when the upstream does not say its length',
  async ({ upstream, larder, pull }) => {
    const large = newBlob(4 * MiB);
    const image = newImage({ layers: [newBlob(3 * MiB)] });
    upstream.push('team/app', large);
    upstream.push('team/app', image, 'v1');
    upstream.faults.add({ match: { kind: 'blob' }, chunked: true });
    await whole(larder, large);
    assert.equal((await pull('team/app', 'v1')).digest, image.digest);
  },
  { cache: { garbageCollection: { maxSize: '1Mi' } } },
);

shared.test(
  'a blob larger than the limit with a wrong byte is cut off',
  async ({ upstream, larder }) => {
    const large = newBlob(4 * MiB);
    upstream.push('team/app', large);
    upstream.faults.add({ match: { kind: 'blob' }, flipByteAt: MiB });
    const answer = await get(blobUrl(larder, 'team/app', large));
    assert.equal(answer.complete, false);
  },
  { cache: { garbageCollection: { maxSize: '1Mi' } } },
);

shared.test(
  'what is being read is never evicted, however much comes in',
  async ({ upstream, larder }) => {
    const read = newBlob(6 * MiB);
    const others = Array.from({ length: 10 }, () => newBlob(2 * MiB));
    for (const blob of [read, ...others]) upstream.push('team/app', blob);
    await whole(larder, read);

    const started = Promise.withResolvers<void>();
    const reading = get(blobUrl(larder, 'team/app', read), {
      body: { expect: read },
      slowBytesPerSecond: MiB,
      onBytes: () => started.resolve(),
    });
    await started.promise;
    for (const blob of others) await whole(larder, blob);
    const answer = await reading;
    assert.equal(answer.complete && answer.matches && answer.bytes === read.size, true);
    assert.equal(upstream.count({ digest: read.digest }), 1);
  },
  { cache: { garbageCollection: { maxSize: '10Mi' } } },
);

shared.test(
  'a blob that is read all the time is fetched once, however much is read once meanwhile',
  async ({ upstream, larder }) => {
    const hot = newBlob(1.5 * MiB);
    const others = Array.from({ length: 40 }, () => newBlob(MiB / 2));
    for (const blob of [hot, ...others]) upstream.push('team/app', blob);
    await whole(larder, hot);
    await whole(larder, hot);
    for (let at = 0; at < others.length; at += 8) {
      for (const blob of others.slice(at, at + 8)) await whole(larder, blob);
      await whole(larder, hot);
    }
    assert.equal(upstream.count({ digest: hot.digest }), 1);
  },
  { cache: { garbageCollection: { maxSize: '4Mi' } } },
);

test('a smaller maxSize takes effect without a restart, and ttl removes what was not used', async () => {
  const blobs = Array.from({ length: 6 }, (_, index) => blobOf(2 * MiB, index));
  await using upstream = await startUpstream();
  for (const blob of blobs) upstream.push('team/app', blob);
  await using larder = await startCache(upstream, { cache: { garbageCollection: { maxSize: '20Mi' } } });
  for (const blob of blobs) await whole(larder, blob);
  assert.ok(contentBytes(larder.store) >= 12 * MiB);
  larder.writeConfig(configOf(upstream, { garbageCollection: { maxSize: '5Mi' } }));
  await waitFor(() => contentBytes(larder.store) <= 5 * MiB);
  larder.writeConfig(configOf(upstream, { garbageCollection: { ttl: '1s' } }));
  await waitFor(() => contentBytes(larder.store) === 0, { limitMs: 15_000 });
  await waitFor(async () => (await larder.metric('larder_evictions_total', { reason: 'ttl' })) >= 1);
});

test('a full disk harms no pull: every body comes whole and right, and room is used again when there is some', async (context) => {
  using disk = smallDisk(12 * MiB);
  if (disk === undefined) return context.skip(NO_DISK);
  const image = imageOf({ layers: [MiB, 6 * MiB, 20 * MiB] });
  await using upstream = await startUpstream();
  upstream.push('team/app', image, 'v1');
  await using larder = await startCache(upstream, { store: join(disk.path, 'store') });
  // The limit was computed from the free space. Then another program fills the disk.
  disk.fillUp(2.5 * MiB);
  for (let round = 1; round <= 2; round += 1) {
    assert.equal((await pullImage(larder.registry, 'team/app', 'v1')).digest, image.digest);
    await Promise.all(image.layers.flatMap((layer) => Array.from({ length: 3 }, () => whole(larder, layer))));
  }
  disk.empty();
  const url = blobUrl(larder, 'team/app', image.layers[1] as TestBlob);
  await waitFor(async () => cacheStatus(await get(url, { body: 'hash' }))[1] === 'hit');
  assert.equal((await larder.stop()).code, 0);
});

test('a disk that fills up in the middle of a body is not noticed by its readers, and the statistics tell of it', async (context) => {
  using disk = smallDisk(32 * MiB);
  if (disk === undefined) return context.skip(NO_DISK);
  const blob = blobOf(20 * MiB, 1);
  await using upstream = await startUpstream();
  upstream.push('team/app', blob);
  const pause = upstream.faults.add({ match: { kind: 'blob' }, pauseAfter: 4 * MiB, nth: 1 });
  await using larder = await startCache(upstream, { store: join(disk.path, 'store') });
  const url = blobUrl(larder, 'team/app', blob);
  const read = async (start: number): Promise<void> => {
    const headers = start === 0 ? {} : { range: `bytes=${start}-` };
    const answer = await get(url, { headers, body: { expect: blob, from: start } });
    assert.equal(answer.status, start === 0 ? 200 : 206);
    assert.equal(
      answer.complete && answer.matches && answer.bytes === blob.size - start,
      true,
      `from ${start}: ${answer.bytes} bytes`,
    );
  };
  const readers = Promise.all([0, 0, 2 * MiB, 15 * MiB].map(read));
  await pause.reached();
  await waitFor(async () => (await larder.metric('larder_fill_joins_total')) === 3);
  disk.fillUp(MiB);
  pause.release();
  await readers;
  const { upstreams } = (await get(`${larder.admin}/api/v1/stats`)).json() as {
    upstreams: { storeFull: boolean }[];
  };
  assert.equal(upstreams[0]?.storeFull, true);
});

for (const lies of [false, true]) {
  const outcome = lies ? 'is cut, as the upstream sends wrong bytes' : 'goes on to its end';
  test(`an answer under way whose stored bytes are damaged, while the disk has no room to mend them, ${outcome}`, async (context) => {
    using disk = smallDisk(64 * MiB);
    if (disk === undefined) return context.skip(NO_DISK);
    const blob = blobOf(32 * MiB, 1);
    await using upstream = await startUpstream();
    upstream.push('team/app', blob);
    await using larder = await startCache(upstream, { store: join(disk.path, 'store') });
    const url = blobUrl(larder, 'team/app', blob);
    await whole(larder, blob);
    if (lies) upstream.faults.add({ match: { kind: 'blob' }, flipByteAt: 31 * MiB });
    let isDone = false;
    const { verdict } = await ask(url, blob, undefined, {
      onBytes(received) {
        if (isDone || received < MiB) return;
        isDone = true;
        const path = blobPath(larder.store, blob.digest);
        damage({ name: 'zeroed', apply: () => zero(path, 24 * MiB, 8 * MiB) }, [path]);
        disk.fillUp(4 * MiB);
      },
    });
    assert.ok(lies ? ['wrong part', 'short', 'reset'].includes(verdict) : verdict === 'right', verdict);
  });
}

const NO_DISK = 'mounting a small disk takes root';

interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes all room but about `left` bytes. */
  fillUp(left: number): void;
  /** Gives that room back. */
  empty(): void;
}

/** A file system of its own; undefined where it cannot be mounted. */
function smallDisk(bytes: number): SmallDisk | undefined {
  const directory = tempDir();
  const path = join(directory.path, 'disk');
  const other = join(path, 'other');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch {
    directory[Symbol.dispose]();
    return undefined;
  }
  return {
    path,
    fillUp(left) {
      const { bavail, bsize } = statfsSync(path);
      try {
        writeFileSync(other, Buffer.alloc(Math.max(0, bavail * bsize - left)));
      } catch {
        // The store took some of it meanwhile: it is full.
      }
    },
    empty: () => writeFileSync(other, ''),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', path]);
      directory[Symbol.dispose]();
    },
  };
}

async function whole(larder: Addressed, blob: TestBlob): Promise<void> {
  const answer = await get(blobUrl(larder, 'team/app', blob), { body: { expect: blob } });
  assert.equal(answer.status, 200);
  assert.equal(
    answer.complete && answer.matches && answer.bytes === blob.size,
    true,
    `${answer.bytes} of ${blob.size} bytes`,
  );
}

/**
 * Bytes of content at one moment. 0 when files came, went or moved while they were counted: some would count twice, as a spool
 * and as a blob.
 */
function contentBytes(store: string): number {
  const folders = ['blobs', 'spool'].map((folder) => join(store, folder));
  const names = (): string => folders.flatMap(filesBelow).toSorted().join('\n');
  const before = names();
  const bytes = folders.reduce((sum, folder) => sum + allBytes(folder), 0);
  return names() === before ? bytes : 0;
}

function allBytes(directory: string): number {
  return filesBelow(directory).reduce(
    (sum, file) => sum + (lstatSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
