/**
 * The take-down of replication in a shoot whose nodes are gone, at a real API server with its controllers. The seed is in memory. `LARDER_TAKE_DOWN` is the
 * number of RegistryConfigs.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { programClients } from '../../src/kube/client/program-clients.ts';
import { createKubeconfigConnection } from '../../src/kube/connection/kubeconfig-connection.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { metadataOf } from '../../src/kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject } from '../../src/kube/types.ts';
import {
  MANAGED_RESOURCES,
  shootManagedResource,
} from '../../src/gardener/managed-resources/managed-resource.ts';
import { OPERATOR_COMPONENT, SHOOT_COMPONENT } from '../../src/gardener/replication/shoot-place.ts';
import { takeDown } from '../../src/gardener/replication/take-down.ts';
import { FINALIZER, MANAGED_BY } from '../../src/operator/cluster/marks.ts';
import {
  PODS,
  REGISTRY_CONFIGS,
  STATEFUL_SETS,
  VOLUME_CLAIMS,
} from '../../src/operator/cluster/resources.ts';
import { releaseObjects } from '../../src/operator/removal/release-objects.ts';
import { createMemoryKube } from '../kube/memory-kube.ts';
import { waitFor } from '../kit/index.ts';
import { startOperatedApi, SYSTEM, TEAM } from '../operator/setting.ts';
import { requireParts } from '../parts/find.ts';
import { GROUPS } from '../parts/groups.ts';

const OBJECTS = Number(process.env['LARDER_TAKE_DOWN'] ?? 200);
/** gardenlet waits three minutes. */
const LIMIT_MS = 60_000;
const NAMESPACE = 'shoot--p--one';
const CACHES = ['registry-docker-io', 'registry-quay-io'];

const { signal } = new AbortController();

describe('a shoot without nodes', requireParts([...GROUPS.api, 'kube-controller-manager']), () => {
  test(`is rid of caches and claims, and has ${OBJECTS} RegistryConfigs without finalizer and status, within a minute`, async (context) => {
    await using cleanup = new AsyncDisposableStack();
    const api = cleanup.use(await startOperatedApi());
    const ending = new AbortController();
    cleanup.defer(() => ending.abort());
    const connection = await createKubeconfigConnection(
      { clock: systemClock, logger: silentLogger, signal: ending.signal },
      { file: api.kubeconfig, context: undefined, environment: {} },
    );
    const metrics = declareKubeMetrics(createMetricsRegistry());
    const connect = programClients(
      { clock: systemClock, metrics },
      { program: 'extension', version: 'test' },
    );
    const shoot = cleanup.adopt(connect(connection), (one) => one.close());
    const owner = cleanup.adopt(connect(connection, { isUrgent: true }), (one) => one.close());
    await createConfigs(owner);
    await api.kubectl.apply(...CACHES.map(cache));
    const pods = () => owner.list(PODS, { namespace: SYSTEM }, { signal });
    await waitFor(async () => (await pods()).items.length === CACHES.length, {
      limitMs: 30_000,
      what: 'pods',
    });

    const seed = await seedWithReplication();
    const start = performance.now();
    const deps = { seed, shoot, clock: systemClock, logger: silentLogger };
    await takeDown(deps, { namespace: NAMESPACE }, signal);
    const ms = performance.now() - start;
    context.diagnostic(`${OBJECTS} RegistryConfigs were released in ${(ms / 1000).toFixed(1)} s`);
    assert.ok(ms < LIMIT_MS, `${ms} ms`);
    for (const resource of [STATEFUL_SETS, PODS, VOLUME_CLAIMS])
      assert.deepEqual((await owner.list(metadataOf(resource), { namespace: SYSTEM }, { signal })).items, []);
    const { items } = await owner.list(REGISTRY_CONFIGS, {}, { signal });
    assert.equal(items.length, OBJECTS);
    for (const { metadata, status } of items)
      assert.deepEqual([metadata.finalizers, status], [undefined, {}]);
    // Another call finds out by metadata that there is nothing left to do.
    assert.equal((await releaseObjects(shoot, signal)).released, 0);
  });
});

async function createConfigs(owner: KubeClient): Promise<void> {
  const { group, version, kind } = REGISTRY_CONFIGS;
  const status = [{ op: 'add', path: '/status', value: { observedGeneration: 1 } }] as const;
  for (let first = 0; first < OBJECTS; first += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, OBJECTS - first) }, async (_, index) => {
        const metadata = { namespace: TEAM, name: `config-${first + index}`, finalizers: [FINALIZER] };
        const spec = { caches: [{ upstream: `r${first + index}.example.com` }] };
        const object = { apiVersion: `${group}/${version}`, kind, metadata, spec };
        await owner.create(REGISTRY_CONFIGS, object, { signal });
        await owner.patch(REGISTRY_CONFIGS, metadata, status, { signal, subresource: 'status' });
      }),
    );
}

/** A cache whose pod was on a node that is gone. */
function cache(name: string): object {
  const selector = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { namespace: SYSTEM, name, labels: MANAGED_BY },
    spec: {
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...selector, ...MANAGED_BY } },
        spec: { nodeName: 'gone', containers: [{ name: 'cache', image: 'larder.example/larder:1' }] },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'cache-volume', labels: MANAGED_BY },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  };
}

async function seedWithReplication() {
  const seed = createMemoryKube(systemClock).client();
  for (const name of [OPERATOR_COMPONENT, SHOOT_COMPONENT]) {
    const object: KubeObject = shootManagedResource({ namespace: NAMESPACE, name }, `${name}-1`, {});
    await seed.create<KubeObject>(MANAGED_RESOURCES, object, { signal });
  }
  return seed;
}
