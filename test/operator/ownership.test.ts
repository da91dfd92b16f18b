/** Whose the objects of a cache are, and what follows when somebody, or a spec, says otherwise. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONFIG_MAPS } from '../../src/node-agent/nodes-config-map.ts';
import { NETWORK_POLICIES, REGISTRY_CONFIGS, SERVICES, STATEFUL_SETS } from '../../src/operator/resources.ts';
import type { Resource } from '../../src/kube/types.ts';
import { registryConfig, type Held } from './setting.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

const KEY = 'registry-docker-io';
const HOLDER = { upstream: 'docker.io', 'larder/asked-by': 'RegistryConfig team/hub' };
const LONGER = { caches: [{ upstream: 'docker.io', garbageCollection: { ttl: '24h' } }] };

/** With a cache of docker.io, or another, that a node uses. */
async function withCache(cache: { readonly upstream: string } = { upstream: 'docker.io' }): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = cleanup.use(await startStandIn());
  cluster.put(REGISTRY_CONFIGS, registryConfig('hub', cache));
  await cluster.until(() => cluster.document().caches.length === 1);
  cluster.report('n1', cluster.document().revision, cache.upstream);
  await cluster.pass(5_000);
  cleanup.move();
  return cluster;
}

/** Somebody changes annotations; undefined takes one off. */
function annotate(
  cluster: StandIn,
  resource: Resource,
  name: string,
  changes: Readonly<Record<string, string | undefined>>,
): void {
  const { metadata, ...rest } = cluster.get(resource, name) as Held;
  const annotations = JSON.parse(JSON.stringify({ ...metadata.annotations, ...changes })) as object;
  cluster.put(resource, { ...rest, metadata: { ...metadata, annotations } });
}

const annotationsOf = (cluster: StandIn, resource: Resource, name: string) =>
  cluster.get(resource, name)?.metadata.annotations ?? {};

const configOf = (cluster: StandIn) => cluster.get(CONFIG_MAPS, `${KEY}-config`)?.data?.['config.yaml'] ?? '';

describe('an object of a cache that somebody has made out to be of', () => {
  const OTHERS = {
    'another object': { 'larder/asked-by': 'RegistryConfig team/other' },
    'another upstream of its name': { upstream: 'docker-io' },
  };
  const KINDS = { NetworkPolicy: NETWORK_POLICIES, Service: SERVICES, StatefulSet: STATEFUL_SETS };
  for (const [title, changes] of Object.entries(OTHERS)) {
    for (const [kind, resource] of Object.entries(KINDS)) {
      test(`${title} is put right, and nothing else comes of it: the ${kind}`, async () => {
        await using cluster = await withCache();
        const { revision } = cluster.document();
        const uids = () => Object.values(KINDS).map((one) => cluster.get(one, KEY)?.metadata.uid);
        const before = uids();
        annotate(cluster, resource, KEY, changes);
        await cluster.until(() => {
          assert.equal(cluster.document().revision, revision);
          return annotationsOf(cluster, resource, KEY)['larder/asked-by'] === HOLDER['larder/asked-by'];
        });
        await cluster.pass(5_000);
        assert.deepEqual(annotationsOf(cluster, resource, KEY), HOLDER);
        assert.equal(cluster.document().revision, revision);
        assert.deepEqual(uids(), before);
        cluster.edit(REGISTRY_CONFIGS, 'hub', LONGER);
        await cluster.until(() => configOf(cluster).includes('ttl: 24h'));
      });
    }
  }
});

test('an upstream that becomes another of the same name gets a cache of its own, once nodes have turned away from the one before', async () => {
  const [former, corrected] = ['my-registry.example.io', 'my.registry.example.io'];
  const name = 'registry-my-registry-example-io';
  await using cluster = await withCache({ upstream: former });
  const before = cluster.get(STATEFUL_SETS, name);
  cluster.edit(REGISTRY_CONFIGS, 'hub', { caches: [{ upstream: corrected }] });
  await cluster.until(() => cluster.document().caches.length === 0);
  await cluster.pass(30_000);
  assert.deepEqual(cluster.get(STATEFUL_SETS, name), before, 'changed before the node has turned away');
  assert.deepEqual(cluster.document().caches, []);

  cluster.report('n1', cluster.document().revision);
  await cluster.until(() => cluster.document().caches[0]?.upstream === corrected);
  const after = cluster.get(STATEFUL_SETS, name);
  assert.notEqual(after?.metadata.uid, before?.metadata.uid);
  assert.equal(after?.metadata.annotations?.['upstream'], corrected);
});
