import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fakeUpstream, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { get, type GetResult } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { digestOf, type Digest } from '../../oci/digest.ts';
import type { Origin } from '../../store/types.ts';
import { originOf } from '../access/target.ts';
import { createRegistryListener } from '../http/registry-listener.ts';
import { declareCacheMetrics } from '../metrics.ts';
import { createBufferPool } from '../pull/buffer-pool.ts';
import { createStaleFallback } from '../pull/stale-fallback.ts';
import { createPulls } from '../pulls.ts';
import { createAccessCheck } from './authorize.ts';
import { createBlobAnswers } from './blob.ts';

const CONTENT = Buffer.from('a layer');
const DIGEST = digestOf(CONTENT);

/** Notes the questions that answers ask. */
class NotingStore extends MemoryStore {
  readonly questions: string[] = [];
  openable = true;

  override presence(digest: Digest, origin: Origin) {
    this.questions.push('presence');
    return super.presence(digest, origin);
  }

  override info(digest: Digest) {
    this.questions.push('info');
    return super.info(digest);
  }

  override open(digest: Digest) {
    this.questions.push('open');
    return this.openable ? super.open(digest) : Promise.resolve(undefined);
  }
}

/** A store that has the blob, linked to `team/app`. */
function storeWithBlob(client: FakeUpstream): NotingStore {
  const store = new NotingStore();
  store.keep(DIGEST, CONTENT, { type: 'blob', origin: originOf(targetOf(client)) });
  return store;
}

async function getBlob(store: MemoryStore, client: FakeUpstream): Promise<GetResult> {
  const clock = new ManualClock();
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(silentLogger);
  const { engine, sizes } = createPulls({ store, tasks, metrics, clock, logger: silentLogger });
  const answerBlob = createBlobAnswers({
    store,
    pulls: engine,
    authorize: createAccessCheck(createStaleFallback(clock)),
    pool: createBufferPool({ largeBytes: 64 * 1024, largeCount: 1, largeIdle: 1, smallBytes: 64 * 1024 }),
    sizes,
    clock,
    joined: () => {},
  });
  const server = createRegistryListener(
    {
      handle: (exchange) => answerBlob(exchange, targetOf(client), DIGEST),
      began: () => {},
      observe: () => {},
      clock,
      logger: silentLogger,
    },
    undefined,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    await tasks.close();
  }
}

test('a stored blob costs three questions to the store, and none to the upstream', async () => {
  const client = fakeUpstream(() => ({ status: 500 }));
  const store = storeWithBlob(client);
  const answer = await getBlob(store, client);
  assert.equal(answer.body.toString(), 'a layer');
  assert.equal(answer.headers['cache-status'], 'larder; hit');
  assert.deepEqual(store.questions, ['presence', 'info', 'open']);
  assert.equal(client.requests.length, 0);
});

test('a blob that the store cannot open is fetched, and the store is not asked again for it', async () => {
  const client = fakeUpstream(() => ({ body: [CONTENT], contentLength: CONTENT.length }));
  const store = storeWithBlob(client);
  store.openable = false;
  const answer = await getBlob(store, client);
  assert.equal(answer.body.toString(), 'a layer');
  assert.equal(answer.headers['cache-status'], 'larder; fwd=uri-miss; stored');
  // The last question is that of the fill, for its readers.
  assert.deepEqual(store.questions, ['presence', 'info', 'open', 'open']);
  assert.deepEqual(
    client.requests.map(({ method }) => method),
    ['GET'],
  );
});
