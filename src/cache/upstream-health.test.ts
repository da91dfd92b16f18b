import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { CacheStatus } from './http/cache-status.ts';
import { createUpstreamHealth } from './upstream-health.ts';

function setting() {
  const clock = new ManualClock();
  const book = createUpstreamHealth(clock);
  const note = (status: CacheStatus, error?: LarderError): void =>
    book.note({ upstreamName: 'quay.io', status, error });
  return { clock, note, of: () => book.of('quay.io') };
}

test('an upstream fails from its first failure to its next answer, and its last error stays', () => {
  const { note, of } = setting();
  note(
    { kind: 'error', detail: 'UPSTREAM_TIMEOUT' },
    new LarderError('UPSTREAM_TIMEOUT', 'quay.io: no answer'),
  );
  assert.deepEqual(of(), {
    failing: true,
    lastError: { code: 'UPSTREAM_TIMEOUT', message: 'quay.io: no answer', time: '2023-11-14T22:13:20Z' },
    storeFull: false,
  });
  note({ kind: 'hit' });
  assert.equal(of().failing, true);
  note({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  note({ kind: 'revalidated', status: 200 });
  assert.deepEqual([of().failing, of().lastError?.code], [false, 'UPSTREAM_5XX']);
});

test('an upstream that nobody has needed for five minutes since it failed is not said to fail', () => {
  const { clock, note, of } = setting();
  note({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  clock.advance(4 * 60_000);
  note({ kind: 'stale', ttlSeconds: -1, detail: 'UPSTREAM_5XX' });
  clock.advance(5 * 60_000 - 1);
  assert.equal(of().failing, true);
  clock.advance(1);
  assert.deepEqual([of().failing, of().lastError?.code], [false, 'UPSTREAM_5XX']);
});

test('what a caller may not have, or does not exist, is no failure of the upstream', () => {
  const { note, of } = setting();
  note({ kind: 'miss', status: 401, detail: 'UPSTREAM_UNAUTHORIZED' });
  note({ kind: 'error', detail: 'MANIFEST_UNKNOWN' });
  assert.deepEqual(of(), { failing: false, lastError: null, storeFull: false });
});

test('a store without room is told of for five minutes', () => {
  const { clock, note, of } = setting();
  note({ kind: 'bypass', detail: 'STORE_FULL' });
  assert.equal(of().storeFull, true);
  clock.advance(5 * 60_000);
  assert.equal(of().storeFull, false);
});
