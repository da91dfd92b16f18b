import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { waitFor } from '../../../test/kit/index.ts';
import { emptyWatched } from '../../../test/operator/empty-watched.ts';
import { serveStats } from '../../../test/operator/serve-stats.ts';
import { ManualClock } from '../../kit/clock.ts';
import { configId } from '../cluster/config-id.ts';
import { makePlan } from '../configs/plan.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { OWNER_ANNOTATION, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import type { Service } from '../cluster/resources.ts';
import { createStatsPoller } from './stats-poller.ts';

const KEY = 'registry-docker-io';
const UPSTREAMS = [{ upstream: 'docker.io', requests: 2, hits: 1, bytesFromStore: 3, storedBytes: 4 }];

function objectOf(name: string, uid = 'uid'): ConfigObject {
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    metadata: { namespace: 'team', name, uid, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { caches: [{ upstream: 'docker.io' }] },
  };
}

/** Polls the cache of `owner` at `address`, from `begin` until its result is disposed of. */
function polling(address: string, owner: ConfigObject, objects: () => readonly ConfigObject[]) {
  const { watched, services } = emptyWatched();
  const annotations = { [OWNER_ANNOTATION]: configId(owner), [UPSTREAM_ANNOTATION]: 'docker.io' };
  const metadata = { namespace: 'larder-system', name: KEY, annotations };
  const service: Service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: address } };
  services.replace({ items: [service], resourceVersion: '1' });
  const clock = new ManualClock();
  const plan = () =>
    makePlan({
      objects: objects(),
      specOf: readConfig,
      existingUpstreams: () => [],
      lastValid: () => [],
      mayAct: () => true,
    });
  const poller = createStatsPoller({ clock, watched, plan }, { namespace: 'larder-system' });
  const ending = new AbortController();
  return {
    clock,
    poller,
    begin: () => {
      const running = poller.run(ending.signal);
      return {
        async [Symbol.asyncDispose]() {
          ending.abort();
          await running;
        },
      };
    },
  };
}

test('the answer of a cache counts for its owner, and for no later one', async () => {
  const address = '127.0.77.1';
  await using _cache = await serveStats(address, () => ({ upstreams: UPSTREAMS }));
  const [first, second] = [objectOf('first'), objectOf('second')];
  let objects = [first];
  const { clock, poller, begin } = polling(address, first, () => objects);
  const changed: string[] = [];
  poller.onChange((key) => changed.push(key));
  await using _poll = begin();
  await waitFor(() => changed.length === 1);
  assert.equal(poller.get(KEY)?.hits, 1);
  objects = [second];
  assert.equal(poller.get(KEY), undefined);
  await waitFor(() => {
    clock.advance(5_000);
    return changed.length === 2;
  });
  assert.equal(poller.get(KEY), undefined);
});

test('a cache that answers nonsense, or not at all, has no statistics', async () => {
  const address = '127.0.77.2';
  let asked = 0;
  await using _cache = await serveStats(address, () => {
    asked += 1;
    return { upstreams: 'none' };
  });
  const first = objectOf('first');
  const { clock, poller, begin } = polling(address, first, () => [first]);
  await using _poll = begin();
  await waitFor(() => {
    clock.advance(5_000);
    return asked >= 2;
  });
  assert.equal(poller.get(KEY), undefined);
});

test('an answer is valid for half a minute of silence, and for no other object of that name', async () => {
  const address = '127.0.77.4';
  let isSilent = false;
  let asked = 0;
  await using _cache = await serveStats(address, () => {
    asked += 1;
    return isSilent ? undefined : { upstreams: UPSTREAMS };
  });
  let objects = [objectOf('hub')];
  const { clock, poller, begin } = polling(address, objectOf('hub'), () => objects);
  const changed: boolean[] = [];
  poller.onChange((key) => changed.push(poller.get(key) !== undefined));
  await using _poll = begin();
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      for (let count = 0; count < 40; count += 1) await turn();
    }
  };
  await waitFor(() => changed.length === 1);
  await pass(60_000);
  isSilent = true;
  const before = asked;
  await pass(24_000);
  assert.ok(asked > before);
  assert.deepEqual([poller.get(KEY)?.hits, changed], [1, [true]]);
  await pass(12_000);
  assert.deepEqual([poller.get(KEY), changed], [undefined, [true, false]]);
  isSilent = false;
  await pass(6_000);
  assert.deepEqual([poller.get(KEY)?.hits, changed], [1, [true, false, true]]);
  isSilent = true;
  objects = [objectOf('hub', 'another')];
  assert.equal(poller.get(KEY), undefined);
  await pass(6_000);
  assert.deepEqual(changed, [true, false, true, false]);
});
