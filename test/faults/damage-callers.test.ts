/** Law 3 on a disk that lies, under load: many callers at once, and damage while a response is under way. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import { Agent } from 'node:http';
import { suite, test } from 'node:test';
import { blobOf, get, startUpstream, waitFor, type LarderProcess, type TestBlob } from '../kit/index.ts';
import { contentsOf } from './damage/contents.ts';
import { actionsOf } from './damage/findings.ts';
import { inParallel } from './damage/in-parallel.ts';
import { blobPath } from '../store/paths.ts';
import { damage, damageAll, DAMAGES, flipByte, zero, type Damage } from './damage/kinds.ts';
import { ask, type Verdict } from './damage/verdict.ts';
import { createRandom } from './flood/random.ts';
import { blobUrl, MiB, startCache } from './setting.ts';

const REPOSITORY = 'team/app';

const NONE_BUT_RIGHT: Partial<Record<Verdict, number>> = {};

test('what is counted of damage is declared from the start', async () => {
  await using upstream = await startUpstream();
  await using larder = await startCache(upstream);
  const metrics = await larder.metrics();
  for (const action of ['repaired', 'quarantined', 'refetched']) {
    assert.ok(
      metrics.series.some(
        ({ name, labels, value }) =>
          name === 'larder_corrupt_blobs_total' && labels['action'] === action && value === 0,
      ),
      action,
    );
  }
});

test('20 callers at once of 200 blobs, of which 100 are damaged, get every byte right, for the price of the damage', async (context) => {
  const sizes = [64 * 1024, 100_000, 64 * 1024 * 3 + 1, 700_000];
  const blobs = sizes.flatMap((size, index) => contentsOf(size, 50, 20 + index));
  await using upstream = await startUpstream();
  for (const blob of blobs) upstream.push(REPOSITORY, blob);
  await using larder = await startCache(upstream);
  await fill(larder, blobs);
  const damaged = blobs.filter((_, index) => index % 2 === 0);
  const harms = DAMAGES.slice(1).filter(({ isMutual }) => isMutual !== true);
  damageAll(
    damaged.map((blob, index) => ({
      damage: harms[index % harms.length] as Damage,
      paths: [blobPath(larder.store, blob.digest)],
    })),
  );
  upstream.reset();

  const random = createRandom(11);
  const verdicts = await inParallel([...Array(20).keys()], 20, async (caller) => {
    const found: Verdict[] = [];
    const agent = new Agent({ keepAlive: true });
    // Half of them go the same way, and meet at each blob.
    const order = caller % 2 === 0 ? blobs : blobs.toSorted(() => random.next() - 0.5);
    for (const blob of order) {
      const start = random.int(blob.size);
      const end = start + 1 + random.int(blob.size - start);
      const span = random.chance(1 / 3) ? { start, end } : undefined;
      found.push((await ask(blobUrl(larder, REPOSITORY, blob), blob, span, { agent })).verdict);
    }
    agent.destroy();
    return found;
  });

  assert.deepEqual(notRight(verdicts.flat()), NONE_BUT_RIGHT);
  const price = damaged.reduce((sum, { size }) => sum + size, 0);
  const resent = upstream.bodyBytes() / price;
  context.diagnostic(`the upstream sent ${resent.toFixed(3)} times the bytes of what was damaged`);
  assert.ok(resent <= 1.1, `${resent} times the bytes of what was damaged`);
  const whole = blobs.filter((_, index) => index % 2 === 1).map(({ digest }) => digest);
  assert.equal(upstream.count({ digest: whole }), 0, 'what is whole is not fetched');
});

test('50 callers at once of one large blob with three flipped bytes cost the upstream less than 1 MiB', async () => {
  const blob = blobOf(8 * MiB + 777, 30);
  await using upstream = await startUpstream();
  upstream.push(REPOSITORY, blob);
  await using larder = await startCache(upstream);
  await fill(larder, [blob]);
  const path = blobPath(larder.store, blob.digest);
  const flipThree: Damage = {
    name: 'flipped thrice',
    apply: () => [0, 4 * MiB, blob.size - 1].forEach((offset) => flipByte(path, offset)),
  };
  damage(flipThree, [path]);
  upstream.reset();

  const url = blobUrl(larder, REPOSITORY, blob);
  const callers = Array.from({ length: 50 }, async (_, index) => {
    const span = index % 5 === 0 ? { start: 4 * MiB - index, end: 5 * MiB } : undefined;
    return (await ask(url, blob, span)).verdict;
  });
  assert.deepEqual(notRight(await Promise.all(callers)), NONE_BUT_RIGHT);
  assert.ok(upstream.bodyBytes() < MiB, `${upstream.bodyBytes()} bytes`);
  assert.ok((await actionsOf(larder)).repaired >= 1);
  await upstream.refuse();
  assert.equal((await ask(url, blob)).verdict, 'right', 'it is mended on disk');
});

test('a range of a blob that is damaged as a whole is never answered with other bytes, though the upstream does not say how long it is', async () => {
  const blob = blobOf(100_000, 31);
  await using upstream = await startUpstream();
  upstream.push(REPOSITORY, blob);
  upstream.faults.add({ match: { kind: 'blob' }, chunked: true });
  await using larder = await startCache(upstream);
  await fill(larder, [blob]);
  const path = blobPath(larder.store, blob.digest);
  damage({ name: 'zeroed', apply: () => zero(path, 0, blob.size) }, [path]);
  const range = { range: 'bytes=1000-1019' };
  // Without a size the range is ignored, as for any blob.
  const answer = await get(blobUrl(larder, REPOSITORY, blob), { headers: range, body: { expect: blob } });
  assert.deepEqual(
    [answer.status, answer.complete, answer.matches, answer.bytes],
    [200, true, true, blob.size],
  );
  assert.equal(answer.headers['content-range'], undefined);
});

test('who reads a new blob slowly gets every byte right, though its file is damaged once it is stored', async () => {
  const blob = blobOf(32 * MiB, 32);
  await using upstream = await startUpstream();
  upstream.push(REPOSITORY, blob);
  await using larder = await startCache(upstream);
  const path = blobPath(larder.store, blob.digest);
  const asking = ask(blobUrl(larder, REPOSITORY, blob), blob, undefined, { slowBytesPerSecond: 8 * MiB });
  await waitFor(() => existsSync(path));
  damage({ name: 'zeroed', apply: () => zero(path, 24 * MiB, 8 * MiB) }, [path]);
  assert.equal((await asking).verdict, 'right');
  assert.equal((await actionsOf(larder)).repaired, 1);
});

suite('damage while a response is under way, of what it has not come to yet,', () => {
  const SIZE = 32 * MiB;
  /** Further than what the sockets between cache and reader hold. */
  const REST = 24 * MiB;
  const harms: Damage[] = [
    { name: 'flipped', apply: (path) => flipByte(path, REST + 1000) },
    { name: 'truncated', apply: (path) => truncateSync(path, REST) },
    { name: 'zeroed', apply: (path) => zero(path, REST, SIZE) },
    { name: 'deleted', apply: (path) => rmSync(path) },
  ];

  test('is mended within it while the upstream is up, and ends it short while it is down', async () => {
    await using upstream = await startUpstream();
    const blobs = Array.from({ length: 2 * harms.length }, (_, index) => blobOf(SIZE, 40 + index));
    for (const blob of blobs) upstream.push(REPOSITORY, blob);
    await using larder = await startCache(upstream);
    await fill(larder, blobs);

    for (const [index, harm] of harms.entries()) {
      const found = await readWhileDamaged(larder, blobs[index] as TestBlob, harm);
      assert.equal(found, 'right', `${harm.name}, upstream up`);
    }
    await upstream.refuse();
    const broken: TestBlob[] = [];
    for (const [index, harm] of harms.entries()) {
      const blob = blobs[harms.length + index] as TestBlob;
      const found = await readWhileDamaged(larder, blob, harm);
      // A deleted file stays whole for who has it open.
      if (harm.name === 'deleted' && found === 'right') continue;
      assert.equal(found, 'short', `${harm.name}, upstream down`);
      broken.push(blob);
    }
    await upstream.accept();
    for (const blob of broken) {
      const url = blobUrl(larder, REPOSITORY, blob);
      await waitFor(async () => (await ask(url, blob)).verdict === 'right', {
        limitMs: 35_000,
        everyMs: 250,
      });
    }
  });

  /** Reads a MiB, damages the rest, reads on. Nothing of this process runs while it damages: the reader is a slow one. */
  async function readWhileDamaged(larder: LarderProcess, blob: TestBlob, harm: Damage): Promise<Verdict> {
    const path = blobPath(larder.store, blob.digest);
    assert.equal(statSync(path).size, SIZE);
    let isDone = false;
    const { verdict } = await ask(blobUrl(larder, REPOSITORY, blob), blob, undefined, {
      onBytes(received) {
        if (isDone || received < MiB) return;
        isDone = true;
        damage(harm, [path]);
      },
    });
    assert.ok(isDone);
    return verdict;
  }
});

async function fill(larder: LarderProcess, blobs: readonly TestBlob[]): Promise<void> {
  await inParallel(blobs, 8, async (blob) => {
    assert.equal((await ask(blobUrl(larder, REPOSITORY, blob), blob)).verdict, 'right');
  });
}

/** Counts the verdicts other than `right`. */
function notRight(verdicts: readonly Verdict[]): Partial<Record<Verdict, number>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const verdict of verdicts) if (verdict !== 'right') counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
