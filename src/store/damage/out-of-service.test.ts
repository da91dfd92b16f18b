import assert from 'node:assert/strict';
import {
  appendFileSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  A,
  A2,
  B,
  MIB,
  body,
  fill,
  keep,
  localStore,
  policies,
  type LocalStore,
} from '../../../test/store/harness.ts';
import { flip } from '../../../test/store/flip.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { readWhole } from '../../../test/store/read-whole.ts';
import { runs } from '../../../test/store/runs.ts';
import type { OpenContent } from '../types.ts';

const of = body(300_000);

const damages: { what: string; damage: (path: string) => void }[] = [
  { what: 'has one flipped bit at its start', damage: (path) => flip(path, 0) },
  { what: 'has one flipped bit in its middle', damage: (path) => flip(path, 150_000) },
  { what: 'has one flipped bit at its end', damage: (path) => flip(path, 299_999) },
  { what: 'was cut', damage: (path) => truncateSync(path, 100_000) },
  { what: 'was emptied', damage: (path) => truncateSync(path, 0) },
  { what: 'is longer', damage: (path) => appendFileSync(path, 'x') },
  {
    what: 'was overwritten with as many zeros',
    damage: (path) => writeFileSync(path, Buffer.alloc(300_000)),
  },
  { what: 'was replaced by another file', damage: (path) => replace(path, body(300_000, 2).content) },
];

for (const { what, damage } of damages) {
  for (const when of ['while it was open', 'while the store was closed'] as const) {
    test(`a file that ${what} ${when} gives no wrong byte, is out of service, and is right after a new download`, async () => {
      await using under = await localStore();
      await keep(under.store, of);
      if (when === 'while it was open') {
        await givesNoWrongByte(under);
        damage(blobPath(under.directory, of.digest));
      } else {
        await under.store.close();
        damage(blobPath(under.directory, of.digest));
        await under.reopen();
      }
      await givesNoWrongByte(under);
      assert.equal(await under.store.open(of.digest), undefined);
      assert.equal(await countOf(under, 'quarantined'), 1);
      assert.equal(under.store.stats().damagedObjects, 1);
      await keep(under.store, of);
      assert.deepEqual(await read(under), of.content);
      assert.equal(await countOf(under, 'refetched'), 1);
      assert.equal(under.store.stats().damagedObjects, 0);
    });
  }
}

test('whatever bits flip wherever a reader reads, the read gives right bytes or STORE_DAMAGED', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  const path = blobPath(under.directory, of.digest);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(299_999), { minLength: 1, maxLength: 4 }),
      fc.nat(299_999),
      fc.integer({ min: 1, max: 300_000 }),
      async (flips, start, length) => {
        const content = await under.store.open(of.digest);
        assert.ok(content !== undefined);
        for (const at of flips) flip(path, at);
        const end = Math.min(300_000, start + length);
        const bytes = await readRange(content, start, end).catch((error: unknown) => {
          assert.equal((error as { code: string }).code, 'STORE_DAMAGED');
        });
        content.close();
        if (bytes !== undefined) assert.deepEqual(bytes, of.content.subarray(start, end));
        await keep(under.store, of);
        writeFileSync(path, of.content);
      },
    ),
    { numRuns: runs(10) },
  );
});

test('a chunk that was right is not taken for right when its bytes changed, though size and time are as before', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  for (let round = 0; round < 3; round += 1) {
    under.clock.advance(1000);
    assert.deepEqual(await read(under), of.content);
  }
  flip(blobPath(under.directory, of.digest), 200_000);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
});

test('a damaged file that is open but was replaced is served to no later reader', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  const path = blobPath(under.directory, of.digest);
  (await under.store.open(of.digest))?.close();
  renameSync(path, `${path}.elsewhere`);
  writeFileSync(path, of.content);
  flip(`${path}.elsewhere`, 0);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  assert.deepEqual(await read(under), of.content);
});

test('remains that change after their first check give no wrong byte, wherever they are read from', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  const path = blobPath(under.directory, of.digest);
  flip(path, 0);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  const remains = await under.store.remains(of.digest, A);
  assert.ok(remains !== undefined);
  flip(path, 200_000);
  for (const [offset, length, usable] of [
    [65_536, 234_464, 131_072],
    [100_000, 1000, 1000],
    [100_000, 150_000, 96_608],
    [200_000, 10, 0],
    [299_999, 1, 1],
  ] as const) {
    const buffer = Buffer.alloc(length);
    assert.equal(await remains.read(buffer, offset), usable);
    assert.deepEqual(buffer.subarray(0, usable), of.content.subarray(offset, offset + usable));
  }
  remains.close();
});

test('the remains of a file are its right chunks, for repositories that the content is linked to', async () => {
  await using under = await localStore();
  const large = body(5 * MIB);
  await keep(under.store, large);
  for (const at of [0, 70_000, 4 * MIB]) flip(blobPath(under.directory, large.digest), at);
  await assert.rejects(readDigest(under, large.digest), { code: 'STORE_DAMAGED' });

  assert.equal(await under.store.remains(large.digest, A2), undefined);
  assert.equal(await under.store.remains(large.digest, B), undefined);
  const remains = await under.store.remains(large.digest, A);
  assert.ok(remains !== undefined);
  assert.deepEqual(remains.damaged, [
    { start: 0, end: 131_072 },
    { start: 4 * MIB, end: 4 * MIB + 65_536 },
  ]);
  const buffer = Buffer.alloc(MIB);
  assert.equal(await remains.read(buffer, 2 * MIB), MIB);
  assert.deepEqual(buffer, large.content.subarray(2 * MIB, 3 * MIB));
  remains.close();

  const spool = await under.store.spool(large.digest, A, 5 * MIB);
  await spool.append([large.content]);
  (await spool.commit({ type: 'blob', repositoryId: A, repaired: true })).close();
  assert.equal(await countOf(under, 'repaired'), 1);
  assert.equal(await under.store.remains(large.digest, A), undefined);
});

test('of a file that is mostly damaged nothing remains', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  writeFileSync(blobPath(under.directory, of.digest), Buffer.alloc(300_000));
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  assert.equal(await under.store.remains(of.digest, A), undefined);
});

test('remains that are discarded go into quarantine', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  flip(blobPath(under.directory, of.digest), 0);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  await under.store.discardRemains(of.digest);
  assert.equal(readdirSync(join(under.directory, 'quarantine')).length, 1);
  assert.equal(under.store.presence(of.digest, A), 'absent');
  assert.equal(await under.store.remains(of.digest, A), undefined);
});

test('a file without sums that was damaged is found before anyone reads it, and goes into quarantine', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  await under.store.close();
  flip(blobPath(under.directory, of.digest), 299_999);
  rmSync(join(under.directory, 'index.sqlite'));
  const store = await under.reopen();
  assert.equal(await store.open(of.digest), undefined);
  assert.equal(readdirSync(join(under.directory, 'quarantine')).length, 1);
});

test('a file with right bytes and another modification time, as after a restore, is served', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  utimesSync(blobPath(under.directory, of.digest), 1000, 1000);
  assert.deepEqual(await read(under), of.content);
});

test('a manifest whose bytes changed is not read', async () => {
  await using under = await localStore();
  await under.store.put(of.digest, of.content, { type: 'manifest', mediaType: 'x/y', repositoryId: A });
  flip(blobPath(under.directory, of.digest), 1);
  assert.equal(await under.store.read(of.digest), undefined);
  assert.equal(await countOf(under, 'quarantined'), 1);
  await under.store.put(of.digest, of.content, { type: 'manifest', mediaType: 'x/y', repositoryId: A });
  assert.deepEqual((await under.store.read(of.digest))?.content, of.content);
});

test('a file that was removed is absent, also while it was kept open', async () => {
  await using under = await localStore();
  const content = await fill(under.store, of);
  rmSync(blobPath(under.directory, of.digest));
  assert.equal(await under.store.open(of.digest), undefined);
  assert.equal(under.store.presence(of.digest, A), 'absent');
  assert.deepEqual(await readWhole(content), of.content);
  content.close();
});

test('content that was found damaged and is evicted, is fetched and found right', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 400_000 } }) });
  await keep(under.store, of);
  flip(blobPath(under.directory, of.digest), 0);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  await keep(under.store, body(300_000, 2));
  assert.equal(under.store.presence(of.digest, A), 'absent');
  await keep(under.store, of);
  assert.deepEqual(await read(under), of.content);
});

test('the quarantine is bounded in number and size, and counts', async () => {
  await using under = await localStore({ maxBytes: 4 * MIB, policies: policies({}) });
  const quarantined = () => readdirSync(join(under.directory, 'quarantine')).length;
  for (let seed = 0; seed < 30; seed += 1) {
    const small = body(3000, seed);
    await keep(under.store, small);
    flip(blobPath(under.directory, small.digest), 2999);
    await assert.rejects(readDigest(under, small.digest), { code: 'STORE_DAMAGED' });
    await under.store.discardRemains(small.digest);
  }
  assert.equal(quarantined(), 16);
  await keep(under.store, of);
  flip(blobPath(under.directory, of.digest), 2999);
  await assert.rejects(read(under), { code: 'STORE_DAMAGED' });
  await under.store.discardRemains(of.digest);
  assert.equal(quarantined(), 0);
  assert.equal(under.store.stats().objects, 0);
});

/** Puts another file with these bytes into its place, by rename. */
function replace(path: string, content: Buffer): void {
  writeFileSync(`${path}.other`, content);
  renameSync(`${path}.other`, path);
  assert.deepEqual(readFileSync(path), content);
}

async function givesNoWrongByte(under: LocalStore): Promise<void> {
  const bytes = await read(under).catch((error: unknown) => {
    assert.equal((error as { code: string }).code, 'STORE_DAMAGED');
  });
  if (bytes !== undefined) assert.deepEqual(bytes, of.content);
}

/** Reads the whole content; undefined if it is absent. */
function read(under: LocalStore): Promise<Buffer | undefined> {
  return readDigest(under, of.digest);
}

async function readDigest({ store }: LocalStore, digest: typeof of.digest): Promise<Buffer | undefined> {
  const content = await store.open(digest);
  try {
    return content && (await readWhole(content));
  } finally {
    content?.close();
  }
}

async function readRange(content: OpenContent, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(128 * 1024);
  const pieces: Buffer[] = [];
  for (let at = start; at < end;) {
    const piece = await content.read(buffer, at, end);
    pieces.push(Buffer.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

async function countOf(under: LocalStore, action: string): Promise<number> {
  const { values } = await under.metrics.corruptBlobs.get();
  return values.find(({ labels }) => labels['action'] === action)?.value ?? 0;
}
