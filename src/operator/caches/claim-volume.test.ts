import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { emptyWatched } from '../../../test/operator/empty-watched.ts';
import { ManualClock } from '../../kit/clock.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { configId } from '../cluster/config-id.ts';
import { makePlan, type PlannedCache } from '../configs/plan.ts';
import { readConfig, type ConfigObject } from '../configs/read-config.ts';
import { OWNER_ANNOTATION, MANAGED_BY, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import { claimName } from '../render/stateful-set.ts';
import { VOLUME_CLAIMS, STATEFUL_SETS } from '../cluster/resources.ts';
import { createVolumeClaimer } from './claim-volume.ts';

const NAMESPACE = 'larder-system';
const KEY = 'registry-docker-io';
const NEVER = new AbortController().signal;
const OWNER: ConfigObject = {
  apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
  kind: 'RegistryConfig',
  metadata: { namespace: 'team', name: 'hub', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { caches: [{ upstream: 'docker.io' }] },
};

/**
 * The watched claim has no owner, and the API server has it with owner `now`. The StatefulSet with owner `set` exists and is not watched
 * yet.
 */
async function owned({ now, set }: { readonly now: string; readonly set?: string }) {
  const kube = createMemoryKube(new ManualClock());
  const client = kube.client();
  const { watched, claims } = emptyWatched();
  const name = claimName(KEY);
  const { metadata } = await client.create(VOLUME_CLAIMS, objectOf(VOLUME_CLAIMS, name, now), {
    signal: NEVER,
  });
  const seen = objectOf(VOLUME_CLAIMS, name, undefined);
  claims.replace({ items: [{ ...seen, metadata: { ...metadata, ...seen.metadata } }], resourceVersion: '1' });
  if (set !== undefined)
    await client.create(STATEFUL_SETS, objectOf(STATEFUL_SETS, KEY, set), { signal: NEVER });
  const wait = await createVolumeClaimer({ client, watched }, { namespace: NAMESPACE })(planned(), NEVER);
  const isDeleted = kube.requests.some(({ verb }) => verb === 'delete');
  return { why: wait?.why, isDeleted };
}

function planned(): PlannedCache {
  const plan = makePlan({
    objects: [OWNER],
    specOf: readConfig,
    existingUpstreams: () => [],
    lastValid: () => [],
    mayAct: () => true,
  });
  return plan.caches.get(KEY) as PlannedCache;
}

function objectOf({ group, version, kind }: Resource, name: string, owner: string | undefined): KubeObject {
  const annotations =
    owner === undefined ? {} : { [OWNER_ANNOTATION]: owner, [UPSTREAM_ANNOTATION]: 'docker.io' };
  const metadata = { namespace: NAMESPACE, name, labels: { app: KEY, ...MANAGED_BY }, annotations };
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata };
}

test('a claim that differs from the watched one is judged by its state in the API server', async () => {
  assert.equal((await owned({ now: configId(OWNER) })).isDeleted, false);
  const others = await owned({ now: 'RegistryConfig team/other' });
  assert.deepEqual(others, { isDeleted: true, why: 'its former volume is being deleted' });
});

test('no claim is deleted while an unwatched StatefulSet of its cache exists', async () => {
  const own = await owned({ now: 'RegistryConfig team/other', set: configId(OWNER) });
  assert.deepEqual(own, { isDeleted: false, why: undefined });
  const others = await owned({ now: 'RegistryConfig team/other', set: 'RegistryConfig team/other' });
  assert.deepEqual(others, { isDeleted: true, why: 'its former volume is being deleted' });
});
