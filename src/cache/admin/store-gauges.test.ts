import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics } from '../metrics.ts';
import { refreshStoreGauges } from './store-gauges.ts';

test('the whole store is a series without labels, each upstream with a budget one of its own, until it has none', async () => {
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const shown = async (): Promise<string[]> => {
    const text = await metrics.registry.metrics();
    return text.split('\n').filter((line) => /^larder_store_(?:limit_)?bytes/.test(line));
  };
  const store = { bytes: 70, limitBytes: 1000, objects: 3, damagedObjects: 1 };
  const [a, b] = [
    { upstream: 'a.example', bytes: 50, limitBytes: 60, objects: 2 },
    { upstream: 'b.example', bytes: 20, limitBytes: undefined, objects: 1 },
  ];
  refreshStoreGauges(metrics, { ...store, perUpstream: [a, b] });
  assert.deepEqual(await shown(), [
    'larder_store_bytes 70',
    'larder_store_bytes{upstream_host="a.example"} 50',
    'larder_store_limit_bytes 1000',
    'larder_store_limit_bytes{upstream_host="a.example"} 60',
  ]);
  refreshStoreGauges(metrics, { ...store, perUpstream: [b, { ...a, limitBytes: undefined }] });
  assert.deepEqual(await shown(), ['larder_store_bytes 70', 'larder_store_limit_bytes 1000']);
  assert.match(await metrics.registry.metrics(), /^larder_store_damaged_objects 1$/m);
});
