import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/types.ts';
import { hasStatus } from './has-status.ts';

function objectWith(managedFields?: unknown): KubeObject {
  const metadata = { name: 'hub', ...(managedFields !== undefined && { managedFields }) };
  return { apiVersion: 'v1', kind: 'RegistryConfig', metadata };
}

test('an object has a status if a manager owns a field in it, or if nobody says who owns what', () => {
  const spec = { manager: 'kubectl', fieldsV1: { 'f:spec': { 'f:caches': {} } } };
  const of = (status: unknown) => [spec, { subresource: 'status', fieldsV1: { 'f:status': status } }];
  assert.equal(hasStatus(objectWith()), true);
  assert.equal(hasStatus(objectWith('odd')), true);
  assert.equal(hasStatus(objectWith([spec])), false);
  assert.equal(hasStatus(objectWith(of({ 'f:conditions': {} }))), true);
  assert.equal(hasStatus(objectWith(of({}))), false);
  assert.equal(hasStatus(objectWith(of(null))), false);
});
