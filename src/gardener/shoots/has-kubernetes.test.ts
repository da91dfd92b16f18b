import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasKubernetes } from './has-kubernetes.ts';

test('a version is compared by its numbers, and a text that is none has nothing', () => {
  for (const version of ['1.30', 'v1.30.0', '1.30.2-gke.1', '1.101.0', '2.0.0'])
    assert.ok(hasKubernetes(version, 30), version);
  for (const version of ['1.29.9', '1.3.0', '0.99', '', 'latest', '1'])
    assert.ok(!hasKubernetes(version, 30), version);
});
