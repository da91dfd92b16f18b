import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_VERSION, KIND } from '../../api/registry-config-schema.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createObjectCache } from '../../kube/cache/object-cache.ts';
import type { MirrorConfigObject, RegistryConfigObject, StatefulSet } from '../resources.ts';
import { createPlanner } from './planner.ts';

test('a conflict stays one when nothing but the status of an object has changed', () => {
  const deps = { logger: silentLogger };
  const registryConfigs = createObjectCache<RegistryConfigObject>(deps);
  const mirrorConfigs = createObjectCache<MirrorConfigObject>(deps);
  const statefulSets = createObjectCache<StatefulSet>(deps);
  const planner = createPlanner({
    watched: {
      registryConfigs: registryConfigs.cache,
      mirrorConfigs: mirrorConfigs.cache,
      statefulSets: statefulSets.cache,
    },
    finalizer: { isOn: () => true },
    holdings: () => [],
  });
  const objectOf = (name: string, second: number): RegistryConfigObject => ({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      namespace: 'team',
      name,
      uid: name,
      generation: 1,
      resourceVersion: String(second),
      creationTimestamp: `2026-01-01T00:00:0${second}Z`,
    },
    spec: { caches: [{ upstream: 'docker.io' }] },
  });
  const younger = objectOf('younger', 2);
  registryConfigs.writer.replace({ items: [objectOf('older', 1), younger], resourceVersion: '2' });
  assert.equal(planner.plan().conflictsOf(younger).length, 1);
  const told = { ...younger, metadata: { ...younger.metadata, resourceVersion: '3' }, status: {} };
  registryConfigs.writer.apply('MODIFIED', told);
  const [seen] = planner.objects().filter(({ metadata }) => metadata.name === 'younger');
  assert.ok(seen);
  assert.equal(planner.plan().conflictsOf(seen).length, 1);
});
