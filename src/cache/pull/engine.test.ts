import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeUpstream, type FakeAnswer, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { ManualClock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics, type CacheMetrics } from '../metrics.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { digestOf } from '../../oci/digest.ts';
import type { UpstreamRequest } from '../../upstream/types.ts';
import { repositoryIdOf } from '../access/target.ts';
import { createPullEngine, type PullEngine } from './engine.ts';
import { createRecentFailures } from './recent-failures.ts';

const MIB = 1024 * 1024;
const CONTENT = Buffer.alloc(40 * MIB, 5);
const DIGEST = digestOf(CONTENT);

interface Setting {
  readonly engine: PullEngine;
  readonly client: FakeUpstream;
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly metrics: CacheMetrics;
  readonly tasks: TaskGroup;
}

function setting(answer: (request: UpstreamRequest, count: number) => FakeAnswer): Setting {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(silentLogger);
  const client = fakeUpstream(answer);
  const engine = createPullEngine({
    store,
    clock,
    logger: silentLogger,
    metrics,
    tasks,
    failures: createRecentFailures(clock),
  });
  return { engine, client, clock, store, metrics, tasks };
}

/** The first 2 MiB come at once. The rest never comes, unless a request begins there: then at once. */
function beginningFirst({ range }: UpstreamRequest): FakeAnswer {
  if (range !== undefined) {
    const headers = { 'content-range': `bytes ${range.start}-${CONTENT.length - 1}/${CONTENT.length}` };
    return { status: 206, headers, body: [CONTENT.subarray(range.start)] };
  }
  return { contentLength: CONTENT.length, body: stuckAfter(CONTENT.subarray(0, 2 * MIB)) };
}

async function* stuckAfter(beginning: Buffer): AsyncGenerator<Buffer> {
  yield beginning;
  await new Promise(() => {});
}

async function inProgress(metrics: CacheMetrics): Promise<number | undefined> {
  return (await metrics.fillsInProgress.get()).values[0]?.value;
}

describe('a fill', () => {
  test('is found while it runs and may be joined, and gone when it has ended', async () => {
    const { engine, client, store, metrics, tasks } = setting(() => ({
      contentLength: 3,
      body: [Buffer.from('abc')],
    }));
    const target = targetOf(client);
    const digest = digestOf(Buffer.from('abc'));
    const fill = engine.start(target, digest, undefined);
    assert.equal(engine.running('r.example', digest), fill);
    assert.equal(engine.running('other.example', digest), undefined);
    assert.equal(await inProgress(metrics), 1);
    await tasks.idle();
    assert.equal(engine.running('r.example', digest), undefined);
    assert.equal(await inProgress(metrics), 0);
    assert.ok(store.bodies.has(digest));
  });

  test('that stops for want of readers is not joined; the next one waits for its bytes and asks for the rest', async () => {
    const { engine, client, clock, store, tasks } = setting(beginningFirst);
    const target = targetOf(client);
    const first = engine.start(target, DIGEST, CONTENT.length);
    await waitFor(() => first.limit === 2 * MIB);
    clock.advance(10_000);
    assert.equal(engine.running('r.example', DIGEST), undefined);
    const second = engine.start(target, DIGEST, CONTENT.length);
    assert.equal(engine.running('r.example', DIGEST), second);
    await second.opened;
    assert.deepEqual(
      client.requests.map(({ range }) => range?.start),
      [undefined, 2 * MIB],
    );
    await tasks.idle();
    assert.equal(second.failure, undefined);
    assert.ok(store.bodies.has(DIGEST));
    assert.equal(store.openFiles, 0);
  });

  test('ends with the program, and leaves its bytes', async () => {
    const { engine, client, store, tasks } = setting(beginningFirst);
    const fill = engine.start(targetOf(client), DIGEST, CONTENT.length);
    await waitFor(() => fill.limit === 2 * MIB);
    await tasks.close();
    assert.ok(isLarderError(fill.failure, 'SHUTTING_DOWN'));
    assert.equal([...store.left.values()][0]?.length, 2 * MIB);
    assert.equal(client.openBodies, 0);
  });
});

describe('a failure that a retry would not change', () => {
  test('is remembered for a while: a missing blob for its repository', async () => {
    const { engine, client, clock, tasks } = setting(() => ({ status: 404 }));
    const target = targetOf(client);
    engine.start(target, DIGEST, undefined);
    await tasks.idle();
    assert.throws(
      () => engine.start(target, DIGEST, undefined),
      (error) => isLarderError(error, 'BLOB_UNKNOWN'),
    );
    engine.start(targetOf(client, {}, 'team/other'), DIGEST, undefined);
    await tasks.idle();
    clock.advance(3000);
    engine.start(target, DIGEST, undefined);
    await tasks.idle();
    assert.equal(client.requests.length, 3);
  });

  test('reaches a caller that comes while its bytes are put away, without asking the upstream again', async () => {
    const { engine, client, store } = setting(() => ({ contentLength: 4, body: [Buffer.from('evil')] }));
    const target = targetOf(client);
    const putAway = Promise.withResolvers<void>();
    let reached = false;
    const spool = store.spool.bind(store);
    store.spool = async (...args) => {
      const made = await spool(...args);
      const discard = made.discard.bind(made);
      made.discard = async () => {
        reached = true;
        await putAway.promise;
        await discard();
      };
      return made;
    };

    const first = engine.start(target, DIGEST, undefined);
    await first.opened;
    await waitFor(() => reached);
    assert.equal(engine.running('r.example', DIGEST), first);
    putAway.resolve();
    await waitFor(() => first.failure !== undefined);
    await waitFor(() => engine.running('r.example', DIGEST) === undefined);
    assert.equal(client.requests.length, 1);
  });

  test('of wrong bytes is not remembered, and of wrong bytes twice in a row it is', async () => {
    const { engine, client, metrics, tasks } = setting(() => ({
      contentLength: 3,
      body: [Buffer.from('abc')],
    }));
    const start = async (): Promise<void> => {
      engine.start(targetOf(client), DIGEST, undefined);
      await tasks.idle();
    };
    await start();
    await start();
    assert.equal(client.requests.length, 2);
    const other = targetOf(client, {}, 'team/other');
    assert.throws(
      () => engine.start(other, DIGEST, undefined),
      (error) => isLarderError(error, 'UPSTREAM_DIGEST_MISMATCH'),
    );
    assert.equal(client.requests.length, 2);
    assert.deepEqual(
      (await metrics.corruptBlobs.get()).values.map(({ labels, value }) => [labels.action, value]),
      [['refused', 2]],
    );
  });
});

describe('a confirmation', () => {
  const content = Buffer.from('abc');
  const digest = digestOf(content);

  test('asks once for all requests that wait, links the stored blob, and gives the size', async () => {
    const { engine, client, store } = setting(() => ({ contentLength: 3 }));
    const target = targetOf(client, {}, 'team/other');
    store.keep(digest, content, { type: 'blob', repositoryId: repositoryIdOf(targetOf(client)) });
    assert.equal(store.presence(digest, repositoryIdOf(target)), 'unlinked');
    assert.deepEqual(
      await Promise.all([engine.confirm(target, digest), engine.confirm(target, digest)]),
      [3, 3],
    );
    assert.deepEqual(
      client.requests.map(({ method, path }) => [method, path]),
      [['HEAD', `/v2/team/other/blobs/${digest}`]],
    );
    assert.equal(store.presence(digest, repositoryIdOf(target)), 'linked');
    assert.equal(client.openBodies, 0);
  });

  test('links nothing when the upstream has another size, or refuses', async () => {
    for (const answer of [{ contentLength: 4 }, { status: 403 }, { status: 404 }]) {
      const { engine, client, store } = setting(() => answer);
      const target = targetOf(client, {}, 'team/other');
      store.keep(digest, content, { type: 'blob', repositoryId: repositoryIdOf(targetOf(client)) });
      await engine.confirm(target, digest).catch(() => {});
      assert.equal(store.presence(digest, repositoryIdOf(target)), 'unlinked');
      assert.equal(client.openBodies, 0);
    }
  });

  test('of a missing blob is remembered for a while', async () => {
    const { engine, client } = setting(() => ({ status: 404 }));
    const target = targetOf(client);
    for (const _ of [1, 2])
      await assert.rejects(
        async () => engine.confirm(target, digest),
        (error) => isLarderError(error, 'BLOB_UNKNOWN'),
      );
    assert.equal(client.requests.length, 1);
  });
});
