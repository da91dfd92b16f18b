import assert from 'node:assert/strict';
import { test } from 'node:test';
import { widget } from './widgets.ts';
import { isLarderError } from '../../src/kit/errors.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { controllerOf, controllerReference, isControlledBy } from './owners.ts';

const owner: KubeObject = { ...widget('owner'), metadata: { namespace: 'test', name: 'owner', uid: 'u-1' } };

test('an object is controlled by its owner, not by another of its name', () => {
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u-0' },
    controllerReference(owner, 'test'),
  ];
  const object = { ...widget('a'), metadata: { name: 'a', namespace: 'test', ownerReferences } };
  assert.equal(controllerOf(object.metadata)?.name, 'owner');
  assert.equal(isControlledBy(object, owner), true);
  assert.equal(isControlledBy(object, { ...owner, metadata: { ...owner.metadata, uid: 'u-2' } }), false);
  assert.equal(isControlledBy(widget('b'), widget('owner')), false);
});

test('an owner in another namespace, or one that is not yet stored, is refused', () => {
  const internal = (error: unknown): boolean => isLarderError(error, 'INTERNAL');
  assert.throws(() => controllerReference(owner, 'other'), internal);
  assert.throws(() => controllerReference(owner, undefined), internal);
  assert.throws(() => controllerReference(widget('owner'), 'test'), internal);
  const clusterWide = { ...owner, metadata: { name: 'owner', uid: 'u-1' } };
  assert.equal(controllerReference(clusterWide, 'anywhere').uid, 'u-1');
});
