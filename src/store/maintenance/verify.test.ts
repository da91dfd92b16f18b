import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { test } from 'node:test';
import { imageOf, indexOf } from '../../../test/kit/image.ts';
import { flip } from '../../../test/store/flip.ts';
import { A, A2, body, keep, localStore, type LocalStore } from '../../../test/store/harness.ts';
import { blobPath } from '../../../test/store/paths.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseTag } from '../../oci/reference.ts';
import type { VerifyEvent, VerifyFinding, VerifyOptions } from './maintenance.ts';

const never = new AbortController().signal;

async function verify(under: LocalStore, options: VerifyOptions = {}) {
  const events: VerifyEvent[] = [];
  const result = await under.store.maintenance.verify(options, never, (event) => void events.push(event));
  const findings = events.filter((event): event is VerifyFinding => event.event === 'finding');
  return { result, events, findings };
}

function rot(under: LocalStore, digest: string): void {
  flip(blobPath(under.directory, digest), 0);
}

test('all stored content is read, with progress from nothing to everything', async () => {
  await using under = await localStore();
  for (const seed of [1, 2, 3]) await keep(under.store, body(400_000, seed));
  const { result, events, findings } = await verify(under);
  assert.deepEqual(result, {
    checkedObjects: 3,
    checkedBytes: 1_200_000,
    damaged: 0,
    repaired: 0,
    unreadable: 0,
    missing: 0,
  });
  assert.deepEqual(findings, []);
  const total = { totalObjects: 3, totalBytes: 1_200_000 };
  assert.deepEqual(events[0], { event: 'progress', checkedObjects: 0, checkedBytes: 0, ...total });
  assert.deepEqual(events.at(-1), {
    event: 'progress',
    checkedObjects: 3,
    checkedBytes: 1_200_000,
    ...total,
  });
});

test('a finding names the damaged content and its repositories, and the content is out of service', async () => {
  await using under = await localStore();
  const bad = body(5000, 2);
  for (const one of [body(5000, 1), bad]) await keep(under.store, one);
  under.store.link(bad.digest, A2);
  rot(under, bad.digest);
  const { result, findings } = await verify(under);
  assert.deepEqual([result.checkedObjects, result.damaged, result.repaired], [2, 1, 0]);
  assert.deepEqual(findings, [
    {
      event: 'finding',
      digest: bad.digest,
      size: 5000,
      type: 'blob',
      state: 'damaged',
      repositories: ['a.example/library/one', 'a.example/library/two'],
    },
  ]);
  assert.equal(await under.store.open(bad.digest), undefined);
  const { maintenance } = under.store;
  assert.deepEqual(
    maintenance.damaged().map(({ digest, repositoryIds }) => [digest, repositoryIds]),
    [[bad.digest, [A, A2]]],
  );
  assert.equal((await verify(under)).result.damaged, 1);
});

test('a finding says that a repair worked, or why it did not, and verification goes on', async () => {
  await using under = await localStore();
  const [repaired, lost, good] = [body(5000, 1), body(6000, 2), body(7000, 3)];
  for (const one of [repaired, lost, good]) await keep(under.store, one);
  for (const { digest } of [repaired, lost]) rot(under, digest);
  const { result, findings } = await verify(under, {
    async repair({ digest, repositoryIds }) {
      assert.deepEqual(repositoryIds, [A]);
      if (digest === lost.digest) throw new LarderError('UPSTREAM_DENIED', 'not for you');
      await keep(under.store, repaired);
    },
  });
  assert.deepEqual([result.checkedObjects, result.damaged, result.repaired], [3, 2, 1]);
  const states = new Map(findings.map(({ digest, state, reason }) => [digest, [state, reason]]));
  assert.deepEqual(states.get(repaired.digest), ['repaired', undefined]);
  assert.deepEqual(states.get(lost.digest), ['damaged', 'not for you (UPSTREAM_DENIED)']);
  assert.deepEqual(
    [under.store.maintenance.isDamaged(repaired.digest), under.store.maintenance.isDamaged(lost.digest)],
    [false, true],
  );
});

test('an image is followed through its index to its stored parts', async () => {
  await using under = await localStore();
  const images = [imageOf({ seed: 1 }), imageOf({ seed: 2 })] as const;
  const index = indexOf(images);
  for (const { digest, bytes, mediaType } of [index, images[0]]) {
    await under.store.put(digest as Digest, bytes, { type: 'manifest', mediaType, repositoryId: A });
  }
  for (const blob of images[0].blobs) {
    await keep(under.store, { digest: blob.digest as Digest, content: blob.read() });
  }
  await keep(under.store, body(9000, 9));
  const digest = index.digest as Digest;
  under.store.putTag(
    { ...A, tag: parseTag('v1'), acceptClass: 'i' },
    { digest, mediaType: index.mediaType, size: index.size, validatedAt: 0 },
  );
  for (const image of ['a.example/library/one:v1', `a.example/library/one@${digest}`, digest]) {
    const { result, events } = await verify(under, { image });
    assert.deepEqual([result.checkedObjects, result.missing], [5, 1]);
    const last = events.at(-1);
    assert.ok(
      last?.event === 'progress' && last.totalObjects === 5 && last.totalBytes === result.checkedBytes,
    );
  }
  for (const image of [
    'a.example/library/one:v2',
    `a.example/library/none:v1`,
    `b.example/library/one@${digest}`,
    body(1).digest,
  ]) {
    await assert.rejects(verify(under, { image }), { code: 'NOT_STORED' }, image);
  }
  await assert.rejects(verify(under, { image: 'No' }), { code: 'NAME_INVALID' });
});

test('the parts of a damaged manifest are not known, unless it was repaired', async () => {
  for (const repairs of [false, true]) {
    await using under = await localStore();
    const { digest, bytes, mediaType, blobs } = imageOf();
    const store = () =>
      under.store.put(digest as Digest, bytes, { type: 'manifest', mediaType, repositoryId: A });
    await store();
    for (const blob of blobs)
      await keep(under.store, { digest: blob.digest as Digest, content: blob.read() });
    rot(under, digest);
    const { result } = await verify(under, { image: digest, repair: repairs ? store : undefined });
    assert.equal(result.checkedObjects, repairs ? 4 : 1);
  }
});

test('a rate is kept, and an aborted run ends at once', async () => {
  await using under = await localStore();
  for (const seed of [1, 2, 3]) await keep(under.store, body(1000, seed));
  const stop = new AbortController();
  const running = under.store.maintenance.verify({ bytesPerSecond: 1 }, stop.signal, () => {});
  await new Promise(setImmediate);
  stop.abort(new Error('enough'));
  await assert.rejects(running, /enough/);
});

test('a store whose index was lost is read as soon as the index is rebuilt', async () => {
  await using under = await localStore();
  for (const seed of [1, 2, 3]) await keep(under.store, body(1000, seed));
  await under.store.close();
  truncateSync(`${under.directory}/index.sqlite`, 0);
  await under.reopen();
  assert.equal((await verify(under)).result.checkedObjects, 3);
});
