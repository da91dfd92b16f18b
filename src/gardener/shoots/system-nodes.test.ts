import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from './cluster.ts';
import { systemTolerations } from './system-nodes.ts';

function clusterWith(...workers: object[]): Cluster {
  const shoot = { spec: { provider: { workers } } };
  const type = { apiVersion: 'extensions.gardener.cloud/v1alpha1', kind: 'Cluster' };
  return { ...type, metadata: { name: 'shoot--p--s' }, spec: { shoot } };
}

test('taints of pools that may run components of the system are tolerated, each once and in one order', () => {
  const tolerations = systemTolerations(
    clusterWith(
      { taints: [{ key: 'gpu', value: 'a100', effect: 'NoSchedule' }], systemComponents: { allow: false } },
      { taints: [{ key: 'zone', value: 'b', effect: 'NoExecute' }, { key: 'arm' }] },
      { taints: [{ key: 'arm' }], systemComponents: { allow: true } },
      { controlPlane: {} },
      { taints: null, systemComponents: null },
    ),
  );
  assert.deepEqual(tolerations, [
    { key: 'arm', operator: 'Exists' },
    { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' },
    { key: 'zone', operator: 'Equal', value: 'b', effect: 'NoExecute' },
  ]);
});

test('a pool that does not say so may run them, and one that says less than yes may not', () => {
  const worker = { taints: [{ key: 'a' }] };
  const many = (systemComponents: object | undefined): number =>
    systemTolerations(clusterWith({ ...worker, systemComponents })).length;
  assert.deepEqual([many(undefined), many({}), many({ allow: true })], [1, 0, 1]);
  assert.deepEqual(systemTolerations(clusterWith()), []);
});

test('a field of another type is reported in the words of Go', () => {
  assert.throws(() => systemTolerations(clusterWith({ taints: [{ key: 1 }] })), {
    code: 'CONFIG_INVALID',
    message: /cannot unmarshal number into Go struct field Taint\.spec\.provider\.workers\.taints\.key/,
  });
});
