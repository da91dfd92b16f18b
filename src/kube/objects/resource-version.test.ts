import assert from 'node:assert/strict';
import { test } from 'node:test';
import { widget } from '../../../test/kube/widgets.ts';
import { isNotAfter } from './resource-version.ts';

const at = (resourceVersion: string) => ({ ...widget('a'), metadata: { name: 'a', resourceVersion } });

test('versions are compared as integers of any length, and others only for equality', () => {
  assert.equal(isNotAfter(at('9'), '10'), true);
  assert.equal(isNotAfter(at('10'), '10'), true);
  assert.equal(isNotAfter(at('11'), '10'), false);
  assert.equal(isNotAfter(at('9007199254740993'), '9007199254740992'), false);
  assert.equal(isNotAfter(at('opaque'), 'opaque'), true);
  assert.equal(isNotAfter(at('a'), 'b'), false);
});

test('without a version nothing is known', () => {
  assert.equal(isNotAfter(at('1'), undefined), false);
  assert.equal(isNotAfter(widget('a'), '1'), false);
});
