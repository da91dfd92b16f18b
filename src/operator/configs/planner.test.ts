import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_VERSION, KIND } from '../../api/registry-config/schema.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createObjectStore } from '../../kube/informer/object-store.ts';
import type { ConfigMap } from '../../kube/objects/config-maps.ts';
import type { MirrorConfigObject, RegistryConfigObject, StatefulSet } from '../cluster/resources.ts';
import { createTakenView } from './taken-view.ts';
import { createPlanner } from './planner.ts';

function watching() {
  const deps = { logger: silentLogger };
  const registryConfigs = createObjectStore<RegistryConfigObject>(deps);
  const mirrorConfigs = createObjectStore<MirrorConfigObject>(deps);
  const statefulSets = createObjectStore<StatefulSet>(deps);
  const configMaps = createObjectStore<ConfigMap>(deps);
  return {
    writer: registryConfigs.writer,
    watched: {
      registryConfigs: registryConfigs.store,
      mirrorConfigs: mirrorConfigs.store,
      statefulSets: statefulSets.store,
      configMaps: configMaps.store,
    },
  };
}

function objectOf(name: string, second: number, finalizers: readonly string[] = []): RegistryConfigObject {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      namespace: 'team',
      name,
      uid: name,
      generation: 1,
      resourceVersion: String(second),
      creationTimestamp: `2026-01-01T00:00:0${second}Z`,
      finalizers,
    },
    spec: { caches: [{ upstream: 'docker.io' }] },
  };
}

test('a conflict stays when only the status of an object changes', () => {
  const { watched, writer } = watching();
  const planner = createPlanner({
    watched,
    finalizer: { isOn: () => true },
    existingUpstreams: () => [],
    lastValid: () => [],
    taken: createTakenView(undefined, undefined),
  });
  const younger = objectOf('younger', 2);
  writer.replace({ items: [objectOf('older', 1), younger], resourceVersion: '2' });
  assert.equal(planner.plan().conflictsOf(younger).length, 1);
  const changed = { ...younger, metadata: { ...younger.metadata, resourceVersion: '3' }, status: {} };
  writer.apply('MODIFIED', changed);
  const [seen] = planner.objects().filter(({ metadata }) => metadata.name === 'younger');
  assert.ok(seen);
  assert.equal(planner.plan().conflictsOf(seen).length, 1);
});

test('an object without our finalizer gets no cache, and a cache stays when the finalizer is taken off', () => {
  const { watched, writer } = watching();
  let existing: readonly string[] = [];
  const planner = createPlanner({
    watched,
    finalizer: { isOn: ({ metadata }) => metadata.finalizers?.includes('ours') ?? false },
    existingUpstreams: () => existing,
    lastValid: () => [],
    taken: createTakenView(undefined, undefined),
  });
  const size = (): number => planner.plan().caches.size;
  writer.replace({ items: [objectOf('hub', 1)], resourceVersion: '1' });
  assert.equal(size(), 0);
  writer.apply('MODIFIED', objectOf('hub', 2, ['ours']));
  assert.equal(size(), 1);
  existing = ['docker.io'];
  writer.apply('MODIFIED', objectOf('hub', 3));
  assert.equal(size(), 1);
});
