/** `larder serve --hand-back`: passes pulls through, and stores nothing. test/integration/hand-back.itest.ts has the way back itself. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  get,
  imageOf,
  pullImage,
  runLarder,
  startLarder,
  startUpstream,
  tempDir,
  type LarderProcess,
  type Upstream,
} from '../kit/index.ts';
import { treeOf } from '../store/hand-back.ts';

const IMAGE = imageOf();

function configOf(...upstreams: Upstream[]): object {
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    caches: upstreams.map(({ host, url }) => ({ upstream: host, remoteURL: url })),
  };
}

async function handBackOf({ admin }: LarderProcess): Promise<{ state: string } | null> {
  const { store } = (await get(`${admin}/api/v1/stats`)).json() as {
    store: { handBack: { state: string } | null };
  };
  return store.handBack;
}

suite('a cache that is handed back', { concurrency: 2 }, () => {
  test('passes every pull through, says so, and stores nothing', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', IMAGE, 'v1');
    await using larder = await startLarder({ config: configOf(upstream), flags: ['--hand-back'] });
    assert.equal((await get(`${larder.admin}/readyz`)).status, 200);
    await larder.event('hand-back-done');
    for (let count = 0; count < 2; count += 1) await pullImage(larder.registry, 'team/app', 'v1');
    assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), 2 * IMAGE.blobs.length);
    const blob = await get(`${larder.registry}/v2/team/app/blobs/${IMAGE.layers[0]!.digest}`);
    assert.equal(blob.headers['cache-status'], 'larder; fwd=bypass; detail=STORE_HANDED_BACK');
    assert.equal(existsSync(larder.store), false);
    assert.equal((await handBackOf(larder))?.state, 'done');
    assert.equal(await larder.metric('larder_store_handed_back'), 1);
    assert.deepEqual(
      larder.logs.filter(({ level }) => level === 'error'),
      [],
    );
    const gc = await get(`${larder.admin}/api/v1/gc`, {
      method: 'POST',
      send: '{}',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual([gc.status, (gc.json() as { code: string }).code], [503, 'STORE_HANDED_BACK']);
  });

  test('gives private images to those whom the upstream gives them', async () => {
    await using upstream = await startUpstream({ auth: 'bearer', users: { alice: 'secret' } });
    upstream.push('team/app', IMAGE, 'v1');
    await using larder = await startLarder({ config: configOf(upstream), flags: ['--hand-back'] });
    upstream.setAccess('team/app', { readers: ['alice'] });
    const login = { user: 'alice', password: 'secret' };
    await pullImage(larder.registry, 'team/app', 'v1', { login });
    const blob = `${larder.registry}/v2/team/app/blobs/${IMAGE.layers[0]!.digest}`;
    assert.equal((await get(blob)).status, 401);
  });

  test('stores again after a start without the flag', async () => {
    await using upstream = await startUpstream();
    upstream.push('team/app', IMAGE, 'v1');
    using directory = tempDir();
    const store = join(directory.path, 'store');
    const options = { config: configOf(upstream), store };
    {
      await using larder = await startLarder(options);
      await pullImage(larder.registry, 'team/app', 'v1');
      assert.equal(await handBackOf(larder), null);
      await larder.stop();
    }
    {
      await using larder = await startLarder({ ...options, flags: ['--hand-back'] });
      const { objects, private: isPrivate } = await larder.event('hand-back-done');
      assert.deepEqual([objects, isPrivate], [IMAGE.blobs.length + 1, 0]);
      await larder.stop();
    }
    assert.equal(existsSync(join(store, 'blobs')), false);
    await using larder = await startLarder(options);
    upstream.reset();
    await pullImage(larder.registry, 'team/app', 'v1');
    assert.equal(upstream.count({ kind: 'blob', method: 'GET' }), 0);
  });

  test('has one upstream: with several it does not start, and touches nothing', async () => {
    await using one = await startUpstream();
    await using two = await startUpstream();
    using directory = tempDir();
    const config = directory.write('config.yaml', JSON.stringify(configOf(one, two)));
    writeFileSync(directory.write('store/index.sqlite', ''), 'x');
    const store = join(directory.path, 'store');
    const before = treeOf(store);
    const ended = await runLarder(['serve', '--hand-back', '--config', config, '--store', store]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /cannot be handed back to Distribution, which has one upstream: 2 caches/);
    assert.deepEqual(treeOf(store), before);
  });
});
