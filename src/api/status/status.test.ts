import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorConfigStatusSchema } from './mirror-config-status.ts';
import { REASONS } from './reasons.ts';
import { CREDENTIAL_STATES, registryConfigStatusSchema } from './registry-config-status.ts';

const AT = '2026-01-01T00:00:00Z';

test('a new object has an empty status', () => {
  assert.ok(registryConfigStatusSchema.safeParse({}).success);
  assert.ok(mirrorConfigStatusSchema.safeParse({}).success);
});

test('a condition may have any reason of the table, and no other', () => {
  const withReason = (reason: string, { type, status }: { type: string; status: string }) => ({
    conditions: [{ type, status, reason, message: '', observedGeneration: 1, lastTransitionTime: AT }],
  });
  for (const [reason, of] of Object.entries(REASONS)) {
    assert.ok(mirrorConfigStatusSchema.safeParse(withReason(reason, of)).success, reason);
  }
  const invented = withReason('Hungry', { type: 'Ready', status: 'True' });
  assert.equal(mirrorConfigStatusSchema.safeParse(invented).success, false);
});

test('the credential of a cache has one of four states', () => {
  const withState = (credentialState: string) => ({
    caches: [{ upstream: 'a.io', state: 'Serving', credentialState }],
  });
  for (const state of CREDENTIAL_STATES) {
    assert.ok(registryConfigStatusSchema.safeParse(withState(state)).success, state);
  }
  assert.deepEqual([...CREDENTIAL_STATES], ['Valid', 'Rejected', 'Missing', 'Expiring']);
  assert.equal(registryConfigStatusSchema.safeParse(withState('Fine')).success, false);
});

test('counts are whole and not negative, ratios are percentages', () => {
  const cache = { upstream: 'a.io', state: 'Serving' };
  for (const wrong of [
    { bytesSaved: -1 },
    { bytesSaved: 1.5 },
    { hitRatioPercent: 101 },
    { nodes: { configured: 1 } },
  ]) {
    assert.equal(registryConfigStatusSchema.safeParse({ caches: [{ ...cache, ...wrong }] }).success, false);
  }
});
