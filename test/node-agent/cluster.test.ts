import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createClusterTies } from '../../src/node-agent/cluster-ties.ts';
import { readNodeLease } from '../../src/fleet/node-lease.ts';
import {
  assertNoLeaks,
  get,
  startUpstream,
  tempDir,
  waitFor,
  type TempDir,
  type Upstream,
} from '../kit/index.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import { configMap, connectionTo, IN_CONFIG_MAPS } from '../kube/client.ts';
import { cacheEntry, playLarder, startAgentWith, type RunningAgent } from './setting.ts';

const manifest = '/v2/app/manifests/v1';
const MIRRORED = 'mirrored.example';
const MIRROR = {
  upstream: MIRRORED,
  server: `https://${MIRRORED}`,
  hosts: [{ host: 'https://mirror.example' }],
};
const OUTAGE = { fault: { kind: 'reset' }, times: Infinity } as const;

/** An agent of the cluster behind `api`. With a state directory it saves its document. */
async function startInCluster(api: ApiServer, files: TempDir, { state = true } = {}): Promise<RunningAgent> {
  await using cleanup = new AsyncDisposableStack();
  const ties = createClusterTies(
    { connection: connectionTo(api), clock: systemClock, logger: silentLogger, random: () => 0 },
    {
      node: 'worker-1',
      owner: undefined,
      stateDirectory: state ? join(files.path, 'state') : undefined,
      userAgent: 'larder/test',
    },
  );
  cleanup.defer(() => ties.close());
  const running = cleanup.use(await startAgentWith(ties, files));
  const owned = cleanup.move();
  return { ...running, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function startCache(): Promise<Upstream> {
  const cache = await startUpstream({ tls: true });
  playLarder(cache);
  return cache;
}

function publish(api: ApiServer, revision: string, cache?: Upstream): void {
  const caches = cache === undefined ? {} : { ca: cache.caPem, caches: [cacheEntry(cache.url)] };
  const text = JSON.stringify({ revision, ...caches, mirrors: [MIRROR] });
  api.put(IN_CONFIG_MAPS, configMap('larder-nodes', { 'nodes.json': text }));
}

function reported(api: ApiServer): string | undefined {
  const key = {
    collection: 'coordination.k8s.io/v1/leases',
    namespace: 'default',
    name: 'larder-node-worker-1',
  };
  const lease = api.store.find(key);
  return lease && readNodeLease(lease)?.status.revision;
}

describe('an agent in a cluster', () => {
  test('carries out the document of the API server, and reports its status', async () => {
    await using api = await startApi();
    await using cache = await startCache();
    using files = tempDir();
    await using agent = await startInCluster(api, files);
    publish(api, '1', cache);
    await waitFor(() => agent.hasHosts() && reported(api) === '1');

    api.faults.add(OUTAGE);
    const tries = api.requests.length;
    for (const watch of api.watches) watch.cut();
    await waitFor(() => api.requests.length > tries);
    publish(api, '2');
    await assertRelayed(agent, cache);
    assert.ok(agent.hasHosts());

    api.faults.clear();
    await waitFor(() => !agent.hasHosts() && reported(api) === '2');
  });

  test('that starts while the API server is down follows its saved document, and without one leaves mirrors alone', async () => {
    await using api = await startApi();
    await using cache = await startCache();
    using files = tempDir();
    publish(api, '1', cache);
    {
      await using agent = await startInCluster(api, files);
      await waitFor(() => agent.hasHosts() && reported(api) === '1');
    }
    api.faults.add(OUTAGE);
    {
      await using agent = await startInCluster(api, files);
      assert.ok(agent.hasHosts());
      assert.equal(agent.agent.status()?.upstreams[0]?.state, 'Ready');
      await assertRelayed(agent, cache);
    }
    await using agent = await startInCluster(api, files, { state: false });
    const tries = api.requests.length;
    await waitFor(() => api.requests.length > tries);
    assert.deepEqual([agent.hasHosts(MIRRORED), agent.hasHosts()], [true, false]);
    assert.equal(agent.agent.status(), undefined);
    const { url: relay, ca } = agent.agent.relay;
    assert.equal((await get(`${relay}/healthz`, { ca })).status, 200);
    const refused = await agent.get(manifest);
    assert.deepEqual(
      [refused.status, refused.headers['cache-status']],
      [404, 'larder-node; detail=NAME_UNKNOWN'],
    );

    api.faults.clear();
    await waitFor(() => agent.agent.status()?.revision === '1', { limitMs: 20_000 });
    await assertRelayed(agent, cache);
    assert.ok(agent.hasHosts());
  });

  test('leaves nothing behind in its process', async () => {
    await assertNoLeaks(async () => {
      await using api = await startApi();
      using files = tempDir();
      publish(api, '1');
      await using agent = await startInCluster(api, files);
      await waitFor(() => reported(api) === '1');
      assert.equal(agent.agent.status()?.revision, '1');
    });
  });
});

/** Asserts that the cache is asked, and answers 404. */
async function assertRelayed(agent: RunningAgent, cache: Upstream): Promise<void> {
  const before = cache.count({ kind: 'manifest' });
  assert.equal((await agent.get(manifest)).status, 404);
  assert.equal(cache.count({ kind: 'manifest' }), before + 1);
}
