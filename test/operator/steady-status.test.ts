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
/** What nothing is said within is not said at all: longer than anybody waits for anything here. */
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

/** With a cache that serves, at `address` if told, and a node that uses it; its object is degraded for `reason`. */
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

/** What the API server is asked to say to users from now on: statuses, and Events. */
function sayings(cluster: StandIn): () => string[] {
  const { length } = cluster.api.requests;
  return () =>
    cluster.api.requests
      .slice(length)
      .filter(({ method, path }) => method !== 'GET' && /\/status$|\/events/.test(path))
      .map(({ method, path, body }) => `${method} ${path} ${body}`);
}

test('another leader says nothing of an object whose Secret is missing while it still is, and of nothing else about it', async () => {
  await using cluster = await degraded('CredentialMissing');
  const said = sayings(cluster);
  for (const _ of ['second', 'third']) {
    await cluster.restart();
    await cluster.pass(LONG_MS);
  }
  assert.deepEqual(said(), []);
  cluster.put(SECRETS, LOGIN);
  await cluster.until(() => reasonsOf(cluster).includes('Healthy'));
});

/** With a cache whose upstream refuses its credential; `miss`: that many answers of the cache do not come. */
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

test('another leader says nothing of an object whose credential is refused before its cache has answered, at the third time', async () => {
  await using setting = await refused('127.0.77.3');
  const { cluster } = setting;
  const said = sayings(cluster);
  setting.miss(2);
  await cluster.restart();
  await cluster.pass(LONG_MS);
  assert.ok(setting.hasMissed());
  assert.deepEqual(said(), []);
});

test('a cache that does not answer once or twice changes nothing of a status', async () => {
  await using setting = await refused('127.0.77.5');
  const { cluster } = setting;
  const said = sayings(cluster);
  for (const count of [1, 2]) {
    setting.miss(count);
    await cluster.pass(LONG_MS);
    assert.ok(setting.hasMissed());
  }
  assert.deepEqual(said(), []);
});

test('a cache that does not answer for half a minute has no numbers any more, until it answers', async () => {
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

test('another leader says nothing of mirrors before it has looked at what nodes were told', async () => {
  await using cluster = await startStandIn();
  const mirrors = mirrorConfig('mirrors', { upstream: 'quay.io', hosts: [{ host: 'https://m.example' }] });
  cluster.put(MIRROR_CONFIGS, mirrors);
  await cluster.until(() => cluster.document().mirrors.length === 1);
  cluster.report('n1', cluster.document().revision, 'quay.io');
  await cluster.pass(LONG_MS);
  const said = sayings(cluster);
  await cluster.restart();
  await cluster.pass(LONG_MS);
  assert.deepEqual(said(), []);
});

test('a leader tells at once of what it finds otherwise than the one before', async () => {
  await using cluster = await degraded('CredentialMissing');
  cluster.put(SECRETS, LOGIN);
  await cluster.restart();
  const startedAt = cluster.clock.monotonic();
  await cluster.until(() => reasonsOf(cluster).includes('Healthy'));
  assert.ok(cluster.clock.monotonic() - startedAt < 5_000);
});
