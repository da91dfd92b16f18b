import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/kit/temp.ts';
import { A, MIB, body, keep, localStore } from '../../test/store/harness.ts';
import { createDigestHash } from '../oci/digest.ts';
import { Budget } from './space/budget.ts';
import { ManualClock } from '../kit/clock.ts';
import { ChunkSummer } from './sums/chunk-sums.ts';
import { Ledger } from './content/ledger.ts';
import { SharedFile } from './files/shared-file.ts';
import { SpoolFile, type SpoolHome } from './spool/spool-file.ts';

test('a write that the disk has no room for makes room once, then fails and leaves the spool as it was', async () => {
  let requests = 0;
  const home: SpoolHome = {
    freeDisk: async () => (requests += 1) > 0,
    commit: () => assert.fail('nothing was written'),
    keep: () => {},
    remove: async () => true,
  };
  const ledger = new Ledger(MIB, () => {});
  const budget = new Budget({ ledger, evictor: { free: async () => false } });
  const of = body(1000);
  const summer = new ChunkSummer();
  const spool = new SpoolFile(home, {
    digest: of.digest,
    path: '/dev/full',
    file: new SharedFile(openSync('/dev/full', 'r+')),
    hash: createDigestHash(of.digest),
    summer,
    clock: new ManualClock(),
    log: undefined,
    offset: 0,
    reservation: await budget.reserve('a.example', 1000),
  });
  await assert.rejects(spool.append([of.content]), { code: 'STORE_FULL' });
  assert.equal(requests, 1);
  assert.equal(spool.offset, 0);
  assert.equal(summer.length, 0);
  assert.equal(spool.forkHash().digest('hex'), createDigestHash(of.digest).digest('hex'));
  await spool.discard();
  assert.equal(ledger.bytes, 0);
});

test('a disk that others have filled: old content goes, new is stored, index and all', async (context) => {
  using disk = smallDisk(context);
  if (disk === undefined) return;
  await using under = await localStore({ directory: join(disk.path, 'store'), maxBytes: 100 * MIB });
  for (let seed = 0; seed < 40; seed += 1) await keep(under.store, body(MIB, seed));
  fillUp(disk.path, 'first');
  for (let seed = 100; seed < 104; seed += 1) await keep(under.store, body(MIB, seed));
  assert.equal(under.store.presence(body(MIB, 103).digest, A), 'linked');
});

test('on a full disk the store opens, serves what it has and makes room', async (context) => {
  using disk = smallDisk(context);
  if (disk === undefined) return;
  await using under = await localStore({ directory: join(disk.path, 'store'), maxBytes: 100 * MIB });
  const old = body(MIB, 1);
  await keep(under.store, old);
  await under.store.close();
  fillUp(disk.path, 'hog');
  const store = await under.reopen();
  const content = await store.open(old.digest);
  assert.equal(content?.size, MIB);
  assert.equal(store.presence(old.digest, A), 'linked');
  content?.close();
  rmSync(join(disk.path, 'hog'));
  await keep(store, body(MIB, 2));
  assert.equal(store.presence(body(MIB, 2).digest, A), 'linked');
});

/** Mounts a file system of 20 MiB in memory. Undefined, and the test is skipped, if this user may not mount one. */
function smallDisk(context: TestContext): (Disposable & { path: string }) | undefined {
  const directory = tempDir();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', directory.path]).status === 0;
  if (!mounted) {
    directory[Symbol.dispose]();
    context.skip('mounting a small file system needs more rights');
    return undefined;
  }
  return {
    path: directory.path,
    [Symbol.dispose]() {
      spawnSync('umount', [directory.path]);
      directory[Symbol.dispose]();
    },
  };
}

function fillUp(path: string, name: string): void {
  const file = join(path, name);
  assert.throws(() => {
    for (;;) writeFileSync(file, Buffer.alloc(64 * 1024), { flag: 'a' });
  }, /ENOSPC/);
  assert.ok(statfsSync(path).bavail < 32);
  assert.ok(readdirSync(path).includes(name));
}
