import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUPS } from './groups.ts';
import { PARTS } from './parts.ts';

test('every part is in a group, and those of Kubernetes are in none of the integration suites', () => {
  const grouped = new Set<string>(Object.values(GROUPS).flat());
  assert.deepEqual(
    Object.keys(PARTS).filter((name) => !grouped.has(name)),
    [],
  );
  assert.deepEqual(
    GROUPS.api.filter((name) => GROUPS.integration.includes(name)),
    [],
  );
});
