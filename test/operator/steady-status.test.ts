import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MIRROR_CONFIGS,
  REGISTRY_CONFIGS,
  SECRETS,
  SERVICES,
  STATEFUL_SETS,
} from '../../src/operator/cluster/resources.ts';
import { serveStats } from './serve-stats.ts';
import { mirrorConfig, registryConfig, TEAM } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
/** Longer than any wait of the operator: a write that has not come by then does not come. */
const LONG_MS = 60_000;

const LOGIN = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: TEAM, name: 'login' },
  data: { username: 'YWxpY2U=', password: 'b25l' },
};

const REFUSED = {
  upstream: 'docker.io',
  requests: 100,
  hits: 90,
  bytesFromStore: 5e9,
  storedBytes: 1e9,
  credentialRefused: true,
};

/** A cluster with a serving cache, at `address` if given, and a node that uses it. Its object is degraded for `reason`. */
async function degraded(reason: string, address?: string): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(
    REGISTRY_CONFIGS,
    registryConfig('hub', { upstream: 'docker.io', secretReferenceName: 'login' }),
  );
  await cluster.until(() => cluster.document().caches.length === 1);
  if (address !== undefined) {
    const { spec, ...service } = cluster.get(SERVICES, KEY) ?? {};
    cluster.put(SERVICES, { ...service, spec: { ...spec, clusterIP: address } });
    await cluster.pass(5_000);
  }
  cluster.report('n1', cluster.document().revision, 'docker.io');
  const { metadata, ...set } = await cluster.until(() => cluster.get(STATEFUL_SETS, KEY));
  const status = {
    observedGeneration: metadata.generation,
    readyReplicas: 1,
    currentRevision: 'a',
    updateRevision: 'a',
  };
  cluster.put(STATEFUL_SETS, { ...set, metadata, status });
  await cluster.until(() => {
    const reasons = reasonsOf(cluster);
    return reasons.includes(reason) && reasons.includes('Settled') && reasons.includes('Serving');
  }, reason);
  await cluster.pass(LONG_MS);
  cleanup.move();
  return cluster;
}

function statusOf(cluster: StandIn) {
  return cluster.get(REGISTRY_CONFIGS, 'hub', TEAM)?.status;
}

function reasonsOf(cluster: StandIn): readonly string[] {
  return (statusOf(cluster)?.conditions ?? []).map(({ reason }) => reason);
}

/** Records the writes of statuses and Events from now on. */
function userWrites(cluster: StandIn): () => string[] {
  const { length } = cluster.api.requests;
  return () =>
    cluster.api.requests
      .slice(length)
      .filter(({ method, path }) => method !== 'GET' && /\/status$|\/events/.test(path))
      .map(({ method, path, body }) => `${method} ${path} ${body}`);
}

test('a new leader writes nothing about an object whose Secret is still missing', async () => {
  await using cluster = await degraded('CredentialMissing');
  const writes = userWrites(cluster);
  for (const _ of ['second', 'third']) {
    await cluster.restart();
    await cluster.pass(LONG_MS);
  }
  assert.deepEqual(writes(), []);
  cluster.put(SECRETS, LOGIN);
  await cluster.until(() => reasonsOf(cluster).includes('Healthy'));
});

/** A cluster with a cache whose upstream refuses its credential. After `miss`, that many polls stay without an answer. */
async function refused(address: string) {
  await using cleanup = new AsyncDisposableStack();
  let toMiss = 0;
  cleanup.use(
    await serveStats(address, () => {
      toMiss -= 1;
      return toMiss < 0 ? { upstreams: [REFUSED] } : undefined;
    }),
  );
  const cluster = cleanup.use(await degraded('CredentialMissing', address));
  cluster.put(SECRETS, LOGIN);
  await cluster.until(() => reasonsOf(cluster).includes('CredentialRejected'));
  await cluster.pass(LONG_MS);
  const owned = cleanup.move();
  return {
    cluster,
    miss(count: number): void {
      toMiss = count;
    },
    hasMissed: () => toMiss < 0,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('a new leader writes nothing about a refused credential before the cache has answered, at the third poll', async () => {
  await using setting = await refused('127.0.77.3');
  const { cluster } = setting;
  const writes = userWrites(cluster);
  setting.miss(2);
  await cluster.restart();
  await cluster.pass(LONG_MS);
  assert.ok(setting.hasMissed());
  assert.deepEqual(writes(), []);
});

test('one or two polls without an answer change nothing in a status', async () => {
  await using setting = await refused('127.0.77.5');
  const { cluster } = setting;
  const writes = userWrites(cluster);
  for (const count of [1, 2]) {
    setting.miss(count);
    await cluster.pass(LONG_MS);
    assert.ok(setting.hasMissed());
  }
  assert.deepEqual(writes(), []);
});

test('a cache that is silent for half a minute has no numbers until it answers', async () => {
  await using setting = await refused('127.0.77.6');
  const { cluster } = setting;
  const numbers = () => statusOf(cluster)?.summary?.hits;
  assert.equal(numbers(), '90%');
  setting.miss(Infinity);
  await cluster.pass(24_000);
  assert.equal(numbers(), '90%');
  await cluster.until(() => numbers() === undefined);
  assert.ok(reasonsOf(cluster).includes('Healthy'));
  setting.miss(0);
  await cluster.until(() => numbers() === '90%');
  assert.ok(reasonsOf(cluster).includes('CredentialRejected'));
});

test('a new leader writes nothing about mirrors before it has looked at the node document', async () => {
  await using cluster = await startStandIn();
  const mirrors = mirrorConfig('mirrors', { upstream: 'quay.io', hosts: [{ host: 'https://m.example' }] });
  cluster.put(MIRROR_CONFIGS, mirrors);
  await cluster.until(() => cluster.document().mirrors.length === 1);
  cluster.report('n1', cluster.document().revision, 'quay.io');
  await cluster.pass(LONG_MS);
  const writes = userWrites(cluster);
  await cluster.restart();
  await cluster.pass(LONG_MS);
  assert.deepEqual(writes(), []);
});

test('a new leader reports at once what has changed since the previous one', async () => {
  await using cluster = await degraded('CredentialMissing');
  cluster.put(SECRETS, LOGIN);
  await cluster.restart();
  const startedAt = cluster.clock.monotonic();
  await cluster.until(() => reasonsOf(cluster).includes('Healthy'));
  assert.ok(cluster.clock.monotonic() - startedAt < 5_000);
});
