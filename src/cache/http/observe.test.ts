import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { LarderError } from '../../kit/errors.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics, type CacheMetrics } from '../metrics.ts';
import { get } from '../../../test/kit/index.ts';
import { sendBody } from './answer.ts';
import type { RegistryExchange } from './exchange.ts';
import { createObserver } from './observe.ts';
import { createRegistryListener } from './registry-listener.ts';

/** One request, answered by `handle`; gives the observer after the exchange has ended. */
async function observed(
  handle: (exchange: RegistryExchange) => Promise<void>,
  metrics: CacheMetrics = declareCacheMetrics(createMetricsRegistry()),
) {
  const clock = new ManualClock();
  const observer = createObserver(metrics, silentLogger, clock);
  const ended = Promise.withResolvers<void>();
  const server = createRegistryListener(
    {
      handle,
      began: () => {},
      observe: (exchange, startedAt) => {
        observer.observe(exchange, startedAt);
        ended.resolve();
      },
      clock,
      logger: silentLogger,
    },
    undefined,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`);
  await ended.promise;
  server.close();
  return observer;
}

test('the body of a cached manifest counts as bytes from the store', async () => {
  const { totals } = await observed(async (exchange) => {
    exchange.upstreamName = 'docker.io';
    exchange.contentType = 'manifest';
    sendBody(exchange, 200, { kind: 'hit' }, {}, Buffer.from('1234567'));
  });
  assert.deepEqual(totals.get('docker.io'), {
    requests: 1,
    hits: 1,
    misses: 0,
    clientBytes: 7,
    bytesFromStore: 7,
  });
});

test('an error document counts as a miss without bytes', async () => {
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const { totals } = await observed(async (exchange) => {
    exchange.upstreamName = 'docker.io';
    exchange.contentType = 'blob';
    throw new LarderError('BLOB_UNKNOWN', 'not there');
  }, metrics);
  assert.deepEqual(totals.get('docker.io'), {
    requests: 1,
    hits: 0,
    misses: 1,
    clientBytes: 0,
    bytesFromStore: 0,
  });
  assert.doesNotMatch(await metrics.registry.metrics(), /larder_client_bytes_total\{/);
});

test('a request without an upstream counts nowhere', async () => {
  const { totals } = await observed(async (exchange) => {
    sendBody(exchange, 200, { kind: 'hit' }, {}, '{}');
  });
  assert.equal(totals.size, 0);
});
