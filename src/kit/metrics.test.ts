import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('every metric is declared before anything has happened, with help and type', async () => {
  const text = await createMetrics().registry.metrics();
  const names = [
    'registry_proxy_requests_total',
    'registry_proxy_hits_total',
    'registry_proxy_misses_total',
    'registry_proxy_pulled_bytes_total',
    'registry_proxy_pushed_bytes_total',
    'larder_upstream_requests_total',
    'larder_upstream_bytes_total',
    'larder_client_bytes_total',
    'larder_fills_in_progress',
    'larder_fill_joins_total',
    'larder_store_bytes',
    'larder_store_limit_bytes',
    'larder_evictions_total',
    'larder_corrupt_blobs_total',
    'larder_access_decisions_total',
    'larder_upstream_up',
    'larder_ratelimit_remaining',
  ];
  for (const name of names) {
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'));
    assert.match(text, new RegExp(`^# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}$`, 'm'));
  }
  assert.match(text, /^process_cpu_seconds_total /m);
});

test('two programs in one process do not share their numbers', async () => {
  const one = createMetrics();
  const other = createMetrics();
  one.fillJoins.inc();
  assert.match(await one.registry.metrics(), /^larder_fill_joins_total 1$/m);
  assert.match(await other.registry.metrics(), /^larder_fill_joins_total 0$/m);
});

test('a label that was not declared is refused', () => {
  const { upstreamBytes } = createMetrics();
  assert.throws(() => upstreamBytes.inc({ repository: 'private/name' } as never));
});
