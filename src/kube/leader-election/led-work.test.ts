import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKube } from '../../../test/kube/memory-kube.ts';
import { ManualClock } from '../../kit/clock.ts';
import { silentLogger } from '../../kit/logger.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareKubeMetrics } from '../metrics.ts';
import type { ObjectKey } from '../types.ts';
import { createLedWork, type LedWork } from './led-work.ts';

const LEASE = { namespace: 'larder-system', name: 'lease' };

function ledWork(lease: ObjectKey | undefined): { readonly led: LedWork; readonly requests: () => number } {
  const clock = new ManualClock();
  const kube = createMemoryKube(clock);
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const deps = { client: kube.client(), clock, logger: silentLogger, metrics, random: () => 0.5 };
  return { led: createLedWork(deps, { lease, identity: 'me' }), requests: () => kube.requests.length };
}

test('writes are refused before this process leads, and allowed during its work', async () => {
  const { led } = ledWork(LEASE);
  assert.throws(led.assertLeading, { code: 'LEADERSHIP_LOST' });
  let isDone = false;
  await led.lead(async (leading) => {
    led.assertLeading();
    isDone = leading.isLive();
  }, new AbortController().signal);
  assert.ok(isDone);
});

test('without a lease the process leads from the start, and asks no API server', async () => {
  const { led, requests } = ledWork(undefined);
  led.assertLeading();
  const ends = led.lead(() => Promise.reject(new Error('of the work')), new AbortController().signal);
  await assert.rejects(ends, /of the work/);
  assert.equal(requests(), 0);
});
