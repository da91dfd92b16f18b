import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { CacheStatus } from './http/cache-status.ts';
import { createUpstreamHealth } from './upstream-health.ts';

function setting() {
  const clock = new ManualClock();
  const health = createUpstreamHealth(clock);
  const record = (status: CacheStatus, error?: LarderError): void =>
    health.record({ upstreamName: 'quay.io', status, error });
  return { clock, record, of: () => health.of('quay.io') };
}

test('an upstream fails from its first failure to its next answer, and its last error stays', () => {
  const { record, of } = setting();
  record(
    { kind: 'error', detail: 'UPSTREAM_TIMEOUT' },
    new LarderError('UPSTREAM_TIMEOUT', 'quay.io: no answer'),
  );
  assert.deepEqual(of(), {
    failing: true,
    lastError: { code: 'UPSTREAM_TIMEOUT', message: 'quay.io: no answer', time: '2023-11-14T22:13:20Z' },
    storeFull: false,
  });
  record({ kind: 'hit' });
  assert.equal(of().failing, true);
  record({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  record({ kind: 'revalidated', status: 200 });
  assert.deepEqual([of().failing, of().lastError?.code], [false, 'UPSTREAM_5XX']);
});

test('an upstream that failed and was not needed for five minutes is not reported as failing', () => {
  const { clock, record, of } = setting();
  record({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  clock.advance(4 * 60_000);
  record({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  clock.advance(5 * 60_000 - 1);
  assert.equal(of().failing, true);
  clock.advance(1);
  assert.deepEqual([of().failing, of().lastError?.code], [false, 'UPSTREAM_5XX']);
});

test('a refusal or a missing object is no failure of the upstream', () => {
  const { record, of } = setting();
  record({ kind: 'miss', status: 401, detail: 'UPSTREAM_UNAUTHORIZED' });
  record({ kind: 'error', detail: 'MANIFEST_UNKNOWN' });
  assert.deepEqual(of(), { failing: false, lastError: null, storeFull: false });
});

test('a full store is reported for five minutes', () => {
  const { clock, record, of } = setting();
  record({ kind: 'bypass', detail: 'STORE_FULL' });
  assert.equal(of().storeFull, true);
  clock.advance(5 * 60_000);
  assert.equal(of().storeFull, false);
});
