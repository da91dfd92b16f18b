import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fakeUpstream, type FakeUpstream } from '../../../test/cache/fake-upstream.ts';
import { MemoryStore } from '../../../test/cache/memory-store.ts';
import { targetOf } from '../../../test/cache/target.ts';
import { get } from '../../../test/kit/index.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { TaskGroup } from '../../kit/task-group.ts';
import { digestOf } from '../../oci/digest.ts';
import { repositoryIdOf } from '../access/target.ts';
import { createRegistryListener } from '../http/registry-listener.ts';
import { declareCacheMetrics } from '../metrics.ts';
import { createBufferPool } from '../pull/buffer-pool.ts';
import { createStaleFallback } from '../pull/stale-fallback.ts';
import { createPulls } from '../pulls.ts';
import { createAccessCheck } from './authorize.ts';
import { createBlobAnswers } from './blob.ts';

const CONTENT = Buffer.from('a layer');
const DIGEST = digestOf(CONTENT);

/** A store that has the blob, linked to `team/app`. */
function storeWithBlob(client: FakeUpstream): MemoryStore {
  const store = new MemoryStore();
  store.keep(DIGEST, CONTENT, { type: 'blob', repositoryId: repositoryIdOf(targetOf(client)) });
  return store;
}

interface Setting {
  readonly store: MemoryStore;
  readonly client: FakeUpstream;
  /** If false, the store cannot open the blob for the answer. */
  readonly isReadable?: boolean;
}

/** Gets the blob; `questions` are those that the answer asks the store. */
async function getBlob({ store, client, isReadable = true }: Setting) {
  const questions: string[] = [];
  const asked = <T>(question: string, answer: T): T => {
    questions.push(question);
    return answer;
  };
  const clock = new ManualClock();
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(silentLogger);
  const { engine, sizes } = createPulls({ store, tasks, metrics, clock, logger: silentLogger });
  const answerBlob = createBlobAnswers({
    store: {
      presence: (digest, repositoryId) => asked('presence', store.presence(digest, repositoryId)),
      info: (digest) => asked('info', store.info(digest)),
      open: (digest) => asked('open', isReadable ? store.open(digest) : Promise.resolve(undefined)),
    },
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
    const answer = await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return { body: answer.body.toString(), cacheStatus: answer.headers['cache-status'], questions };
  } finally {
    server.close();
    await tasks.close();
  }
}

test('a stored blob costs three questions to the store, and none to the upstream', async () => {
  const client = fakeUpstream(() => ({ status: 500 }));
  const answer = await getBlob({ store: storeWithBlob(client), client });
  assert.deepEqual(answer, {
    body: 'a layer',
    cacheStatus: 'larder; hit',
    questions: ['presence', 'info', 'open'],
  });
  assert.equal(client.requests.length, 0);
});

test('a blob that the store cannot open is fetched, without asking the store again', async () => {
  const client = fakeUpstream(() => ({ body: [CONTENT], contentLength: CONTENT.length }));
  const answer = await getBlob({ store: storeWithBlob(client), client, isReadable: false });
  assert.deepEqual(answer, {
    body: 'a layer',
    cacheStatus: 'larder; fwd=uri-miss; stored',
    questions: ['presence', 'info', 'open'],
  });
  assert.equal(client.requests.length, 1);
});
