import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../../test/kit/temp.ts';
import { waitFor } from '../../test/kit/wait.ts';
import { A, B, MIB, body, bytesBelow, keep, localStore, policies } from '../../test/store/harness.ts';
import { blobPath } from '../../test/store/paths.ts';
import { runs } from '../../test/store/runs.ts';
import { systemClock } from '../kit/clock.ts';
import { silentLogger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareStoreMetrics } from './metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { digestOf, isDigest } from '../oci/digest.ts';
import { ChunkSummer } from './sums/chunk-sums.ts';
import { sumLogPath } from './files/layout.ts';
import { openStore } from './store.ts';

const of = body(300_000);
const SPOOLED = `${of.digest.replace(':', '-')}.a.example`;

/** Writes the files that a killed process leaves of a spool with `bytes`. `found`: the bytes after later damage. */
function spooled(directory: string, bytes: Buffer, found = bytes): void {
  const path = join(directory, 'spool', SPOOLED);
  writeFileSync(path, found);
  const records = new ChunkSummer().update([bytes]).map(({ end, sum }) => {
    const record = Buffer.alloc(16);
    record.writeDoubleLE(end);
    record.writeBigUInt64LE(sum, 8);
    return record;
  });
  writeFileSync(sumLogPath(path), Buffer.concat(records));
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

/** Opens a store over files as a crash leaves them, which `prepare` writes while it is closed. */
async function crashed(prepare: (directory: string) => void) {
  const under = await localStore();
  await under.store.close();
  prepare(under.directory);
  await under.reopen();
  return under;
}

test('a crash while bytes arrive: the next fill continues behind them', async () => {
  await using under = await crashed((directory) => spooled(directory, of.content.subarray(0, 123_456)));
  assert.ok(under.store.stats().bytes >= 123_456);
  const spool = await under.store.spool(of.digest, A, 300_000);
  assert.equal(spool.offset, 123_456);
  await spool.append([of.content.subarray(123_456)]);
  (await spool.commit({ type: 'blob', repositoryId: A })).close();
  assert.equal(under.store.presence(of.digest, A), 'linked');
  assert.deepEqual(readFileSync(blobPath(under.directory, of.digest)), of.content);
});

test('a crash between sync and rename: the next fill finds a complete body', async () => {
  await using under = await crashed((directory) => spooled(directory, of.content));
  assert.equal(under.store.presence(of.digest, A), 'absent');
  const spool = await under.store.spool(of.digest, A, 300_000);
  assert.equal(spool.offset, 300_000);
  assert.equal(spool.matches(), true);
  (await spool.commit({ type: 'blob', repositoryId: A })).close();
  assert.equal(under.store.presence(of.digest, A), 'linked');
});

test('a crash between rename and index row: the file is found, verified and counted', async () => {
  await using under = await crashed((directory) => {
    const path = blobPath(directory, of.digest);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, of.content);
  });
  assert.equal(under.store.presence(of.digest, B), 'unlinked');
  await waitFor(() => under.store.stats().objects === 1);
  const content = await under.store.open(of.digest);
  assert.equal(content?.size, 300_000);
  content?.close();
});

const powerCuts: { what: string; damage: (bytes: Buffer) => Buffer; usable: number }[] = [
  { what: 'zeros behind what was synced', damage: (bytes) => bytes.fill(0, 150_000), usable: 131_072 },
  { what: 'zeros alone', damage: (bytes) => bytes.fill(0), usable: 0 },
  { what: 'one flipped bit', damage: (bytes) => flipped(bytes, 70_000), usable: 65_536 },
  { what: 'one flipped bit in what came last', damage: (bytes) => flipped(bytes, 199_999), usable: 196_608 },
  { what: 'garbage behind its end', damage: (bytes) => Buffer.concat([bytes, bytes]), usable: 200_000 },
  { what: 'its end missing', damage: (bytes) => bytes.subarray(0, 140_000), usable: 131_072 },
];

for (const { what, damage, usable } of powerCuts) {
  test(`a spool with ${what}, as after a power cut, is continued behind its last right byte`, async () => {
    await using under = await crashed((directory) => {
      const bytes = of.content.subarray(0, 200_000);
      spooled(directory, bytes, damage(Buffer.from(bytes)));
    });
    const spool = await under.store.spool(of.digest, A, 400_000);
    assert.equal(spool.offset, usable);
    await spool.append([of.content.subarray(usable)]);
    (await spool.commit({ type: 'blob', repositoryId: A })).close();
    assert.deepEqual(readFileSync(blobPath(under.directory, of.digest)), of.content);
  });
}

test('a spool without sums, as an older version left it, is begun again', async () => {
  await using under = await crashed((directory) =>
    writeFileSync(join(directory, 'spool', SPOOLED), of.content.subarray(0, 200_000)),
  );
  const spool = await under.store.spool(of.digest, A, 300_000);
  assert.equal(spool.offset, 0);
  await spool.discard();
  assert.deepEqual(readdirSync(join(under.directory, 'spool')), []);
});

test('sums that match no byte, or are incomplete, cost a download and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (log) => {
      await using under = await crashed((directory) => {
        spooled(directory, of.content.subarray(0, 200_000));
        writeFileSync(sumLogPath(join(directory, 'spool', SPOOLED)), log);
      });
      const spool = await under.store.spool(of.digest, A, 300_000);
      await spool.append([of.content.subarray(spool.offset)]);
      (await spool.commit({ type: 'blob', repositoryId: A })).close();
    }),
    { numRuns: runs(5) },
  );
});

test('a spool with more bytes than the body has is begun again', async () => {
  await using under = await crashed((directory) =>
    writeFileSync(join(directory, 'spool', SPOOLED), Buffer.alloc(300_001)),
  );
  const spool = await under.store.spool(of.digest, A, 300_000);
  assert.equal(spool.offset, 0);
  await spool.append([of.content]);
  (await spool.commit({ type: 'blob', repositoryId: A })).close();
});

test('files that were being removed and unfinished small bodies are removed at the start', async () => {
  await using under = await crashed((directory) => {
    for (const name of ['gone-1', 'small-7', SPOOLED]) writeFileSync(join(directory, 'spool', name), '');
    writeFileSync(join(directory, 'spool', 'gone-2'), 'x'.repeat(1000));
  });
  assert.deepEqual(readdirSync(join(under.directory, 'spool')), []);
});

test('a partial body is kept for a day, and is the first to go when room is needed', async () => {
  await using under = await localStore({ policies: policies({ a: { maxBytes: 1_000_000 } }) });
  await keep(under.store, body(400_000, 2));
  const spool = await under.store.spool(of.digest, A, 300_000);
  await spool.append([of.content.subarray(0, 299_999)]);
  await spool.suspend();
  await keep(under.store, body(400_000, 3));
  assert.deepEqual(readdirSync(join(under.directory, 'spool')), []);
  assert.equal(under.store.presence(body(400_000, 2).digest, A), 'linked');

  const second = await under.store.spool(body(1).digest, A, 10);
  await second.append([Buffer.alloc(9)]);
  await second.suspend();
  await under.store.close();
  const spools = () =>
    readdirSync(join(under.directory, 'spool')).filter((found) => !found.startsWith('sums-'));
  const [name = ''] = spools();
  const yesterday = under.clock.now() / 1000 - 23 * 3600;
  utimesSync(join(under.directory, 'spool', name), yesterday, yesterday);
  await under.reopen();
  assert.equal(spools().length, 1);
  under.clock.advance(2 * 3_600_000);
  await waitFor(() => readdirSync(join(under.directory, 'spool')).length === 0);
});

test('a lost use is all that a crash costs the index', async () => {
  await using under = await localStore();
  await keep(under.store, of);
  // As SIGKILL leaves them: the write-ahead log is not merged.
  const copy = tempDir();
  for (const name of ['index.sqlite', 'index.sqlite-wal']) {
    copyFileSync(join(under.directory, name), join(copy.path, name));
  }
  await under.store.close();
  for (const name of readdirSync(copy.path)) renameSync(join(copy.path, name), join(under.directory, name));
  copy[Symbol.dispose]();
  assert.equal((await under.reopen()).presence(of.digest, A), 'linked');
});

test('killed again and again while it fills and evicts: the lock is free, every body is right, the limit holds', async () => {
  using directory = tempDir();
  for (let round = 0; round < runs(2); round += 1) {
    await killWhileFilling(directory.path, round * 1000, 25 + (round % 3) * 7);
    assert.ok(bytesBelow(directory.path) <= 8 * MIB);
  }
  const tasks = new TaskGroup(silentLogger);
  const store = await openStore(
    {
      clock: systemClock,
      logger: silentLogger,
      metrics: declareStoreMetrics(createMetricsRegistry()),
      tasks,
    },
    { directory: directory.path, maxBytes: 8 * MIB, policies: policies({}) },
  );
  const digests = filesBelow(join(directory.path, 'blobs')).map((path) => `sha256:${path.slice(-64)}`);
  assert.ok(digests.length >= 10);
  for (const digest of digests) {
    assert.ok(isDigest(digest));
    const content = await store.open(digest);
    assert.ok(content !== undefined, `${digest} is not there`);
    assert.equal(digestOf(readFileSync(blobPath(directory.path, digest))), digest);
    content.close();
  }
  await waitFor(() => store.stats().objects === digests.length);
  assert.ok(existsSync(join(directory.path, 'index.sqlite')));
  await store.close();
});

async function killWhileFilling(directory: string, seed: number, bodies: number): Promise<void> {
  const script = fileURLToPath(new URL('../../test/store/crash-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory, `${seed}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let stored = 0;
  for await (const _line of createInterface({ input: child.stdout })) {
    stored += 1;
    if (stored === bodies) child.kill('SIGKILL');
  }
  await ended;
  assert.ok(stored >= bodies, `the child ended after ${stored} bodies`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
