import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync } from 'node:fs';
import { test } from 'node:test';
import { flip } from '../../../test/store/flip.ts';
import { A, body, keep, localStore, type LocalStore } from '../../../test/store/harness.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { waitFor } from '../../../test/kit/wait.ts';

/** A scrub at full speed on an idle machine. */
const scrub = { bytesPerSecond: 1e12, busy: () => false };

function rot(path: string): void {
  flip(path, statSync(path).size >> 1);
}

/** Closes the store, changes its files, and opens it with a scrub that has read everything when this resolves. */
async function scrubbed(under: LocalStore, change: () => void) {
  await under.store.close();
  change();
  await under.reopen({ scrub });
  return waitFor(() => {
    const stats = under.store.maintenance.scrubStats();
    if (stats?.finishedAt === null) under.clock.advance(1000);
    return stats?.finishedAt !== null && stats;
  });
}

test('the scrub finds bytes that changed under an unchanged modification time, and leaves the rest alone', async () => {
  await using under = await localStore();
  const [good, bad] = [body(600_000, 1), body(600_000, 2)];
  for (const one of [good, bad]) await keep(under.store, one);
  const stats = await scrubbed(under, () => rot(blobPath(under.directory, bad.digest)));
  assert.deepEqual([stats.damaged, stats.checkedObjects, stats.checkedBytes], [1, 2, 1_200_000]);
  assert.equal(await under.store.open(bad.digest), undefined);
  assert.equal(under.store.presence(good.digest, A), 'linked');
  const { values } = await under.metrics.corruptBlobs.get();
  assert.equal(values.find(({ labels }) => labels['action'] === 'quarantined')?.value, 1);
});

test('a file of another length is damaged without being read; one that is gone is no damage', async () => {
  await using under = await localStore();
  const [short, gone] = [body(600_000, 1), body(600_000, 2)];
  for (const one of [short, gone]) await keep(under.store, one);
  const stats = await scrubbed(under, () => {
    truncateSync(blobPath(under.directory, short.digest), 599_999);
    rmSync(blobPath(under.directory, gone.digest));
  });
  assert.deepEqual([stats.damaged, stats.checkedObjects, stats.checkedBytes], [1, 1, 0]);
});

test('a read by the scrub is no use: content without requests expires all the same', async () => {
  const policies = new Map([['a.example', { ttlMs: 60_000, maxBytes: undefined }]]);
  await using under = await localStore({ policies, scrub });
  const of = body(1000);
  await keep(under.store, of);
  for (let minute = 0; minute < 4; minute += 1) {
    under.clock.advance(30_000);
    await new Promise(setImmediate);
  }
  await waitFor(() => {
    under.clock.advance(1000);
    return under.store.info(of.digest) === undefined;
  });
});

test('content that is evicted while it is verified slowly is closed, so that the disk has its space back', async () => {
  await using under = await localStore();
  const of = body(4_000_000);
  await keep(under.store, of);
  const { signal } = new AbortController();
  const ignore = async (): Promise<void> => {};
  const verifying = under.store.maintenance.verify({ bytesPerSecond: 1000 }, signal, ignore);
  await waitFor(() => heldFiles(under.directory) > 0);
  await under.store.maintenance.collectGarbage(
    { dryRun: false, policies: undefined, maxBytes: 1 },
    signal,
    ignore,
  );
  assert.equal(under.store.info(of.digest), undefined);
  under.clock.advance(600_000);
  const { checkedObjects, damaged } = await verifying;
  assert.deepEqual([checkedObjects, damaged], [0, 0]);
  await waitFor(() => heldFiles(under.directory) === 0);
});

/** Number of open content files, including deleted ones. */
function heldFiles(directory: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${directory}/blobs/`) || target.startsWith(`${directory}/spool/`);
    } catch {
      return false;
    }
  }).length;
}

test('a file that cannot be opened is no damage', { skip: process.getuid?.() === 0 }, async () => {
  await using under = await localStore();
  const of = body(1000);
  await keep(under.store, of);
  const path = blobPath(under.directory, of.digest);
  const stats = await scrubbed(under, () => chmodSync(path, 0));
  assert.deepEqual([stats.damaged, stats.checkedObjects], [0, 0]);
  chmodSync(path, 0o600);
});
