import assert from 'node:assert/strict';
import {
  appendFileSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { A, MIB, body, fill, keep, localStore, policies, type LocalStore } from '../../test/store/harness.ts';
import { blobPath } from '../../test/store/paths.ts';

const of = body(300_000);

for (const [what, damage] of [
  ['cut', (path: string) => truncateSync(path, 100_000)],
  ['emptied', (path: string) => truncateSync(path, 0)],
  ['longer', (path: string) => appendFileSync(path, 'x')],
  ['overwritten with as many bytes', (path: string) => writeFileSync(path, Buffer.alloc(300_000))],
] as const) {
  test(`a file that was ${what} is not served: it goes into quarantine, and a new download mends it`, async () => {
    await using under = await localStore();
    await keep(under.store, of);
    (await under.store.open(of.digest))?.close();
    damage(blobPath(under.directory, of.digest));
    assert.equal(await under.store.open(of.digest), undefined);
    assert.equal(under.store.presence(of.digest, A), 'absent');
    assert.equal(await quarantinedCount(under), 1);
    assert.equal(readdirSync(join(under.directory, 'quarantine')).length, 1);
    await keep(under.store, of);
    const content = await under.store.open(of.digest);
    assert.equal(content?.size, 300_000);
    content?.close();
  });
}

test('a file that was damaged while the store was closed is found by its modification time', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  await under.store.close();
  writeFileSync(blobPath(under.directory, of.digest), Buffer.alloc(300_000));
  const store = await under.reopen();
  assert.equal(await store.open(of.digest), undefined);
});

test('a file that was damaged while index and store were gone is found when it is first read', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  await under.store.close();
  writeFileSync(blobPath(under.directory, of.digest), Buffer.alloc(300_000));
  rmSync(join(under.directory, 'index.sqlite'));
  const store = await under.reopen();
  assert.equal(await store.open(of.digest), undefined);
  assert.equal(await quarantinedCount(under), 1);
});

test('a file with right bytes and another modification time, as after a restore, is hashed once and served', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  utimesSync(blobPath(under.directory, of.digest), 1000, 1000);
  const opened = await Promise.all([under.store.open(of.digest), under.store.open(of.digest)]);
  for (const content of opened) assert.equal(content?.size, 300_000);
  assert.equal(opened[0]?.fd, opened[1]?.fd);
  for (const content of opened) content?.close();
});

test('a manifest whose bytes changed is not read', async () => {
  await using under = await localStore();
  await under.store.put(of.digest, of.content, { type: 'manifest', mediaType: 'x/y', origin: A });
  writeFileSync(blobPath(under.directory, of.digest), Buffer.alloc(300_000));
  assert.equal(await under.store.read(of.digest), undefined);
  assert.equal(await quarantinedCount(under), 1);
});

test('a file that was removed is absent, also while it was kept open', async () => {
  await using under = await localStore();
  const content = await fill(under.store, of);
  rmSync(blobPath(under.directory, of.digest));
  assert.equal(await under.store.open(of.digest), undefined);
  assert.equal(under.store.presence(of.digest, A), 'absent');
  content.close();
});

test('who has content open reads on when it is evicted or quarantined under them', async () => {
  await using under = await localStore();
  const content = await fill(under.store, of);
  rmSync(blobPath(under.directory, of.digest));
  assert.deepEqual(readFileSync(content.fd), of.content);
  content.close();
});

test('the quarantine is bounded in number and size, and counts', async () => {
  await using under = await localStore({ maxBytes: 4 * MIB, policies: policies({}) });
  for (let seed = 0; seed < 30; seed += 1) {
    const small = body(3000, seed);
    await keep(under.store, small);
    truncateSync(blobPath(under.directory, small.digest), 2999);
    assert.equal(await under.store.open(small.digest), undefined);
  }
  assert.equal(readdirSync(join(under.directory, 'quarantine')).length, 16);
  await keep(under.store, of);
  truncateSync(blobPath(under.directory, of.digest), 299_999);
  assert.equal(await under.store.open(of.digest), undefined);
  assert.equal(readdirSync(join(under.directory, 'quarantine')).length, 0);
  assert.equal(under.store.stats().objects, 0);
});

async function quarantinedCount(under: LocalStore): Promise<number> {
  const { values } = await under.metrics.corruptBlobs.get();
  return values.find(({ labels }) => labels['action'] === 'quarantined')?.value ?? 0;
}
