import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Cluster } from '../shoots/cluster.ts';
import { shootStateOf } from './shoot-state.ts';

function clusterOf(shoot: unknown): Cluster {
  return {
    apiVersion: 'extensions.gardener.cloud/v1alpha1',
    kind: 'Cluster',
    metadata: { name: 'c' },
    spec: { shoot },
  };
}

function forcedBy(value: unknown): boolean {
  const annotations = { 'confirmation.gardener.cloud/force-deletion': value };
  return shootStateOf(clusterOf({ metadata: { annotations } })).isForceDeleted;
}

test('a Shoot whose last operation has failed for good is failed, one that is retried is not', () => {
  const failed = (state: string) =>
    shootStateOf(clusterOf({ status: { lastOperation: { state } } })).isFailed;
  assert.deepEqual(['Failed', 'Error', 'Processing', 'Succeeded', 'failed'].map(failed), [
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('a deletion is forced by each text that Go reads as true, and by no other', () => {
  for (const value of ['1', 't', 'T', 'true', 'TRUE', 'True']) assert.equal(forcedBy(value), true, value);
  for (const value of ['yes', 'tRue', 'on', '', ' true', '0', 'false', true, 1])
    assert.equal(forcedBy(value), false);
});

test('a Shoot of any other form is neither failed nor force-deleted', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (shoot) => {
      assert.deepEqual(shootStateOf(clusterOf(shoot)), { isFailed: false, isForceDeleted: false });
    }),
  );
  assert.equal(shootStateOf(clusterOf(undefined)).isFailed, false);
});
