import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from '../../../test/cache/target.ts';
import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { ManualClock } from '../../kit/clock.ts';
import { createMetricsRegistry } from '../../kit/metrics.ts';
import { declareCacheMetrics } from '../metrics.ts';
import type { Upstream } from '../../upstream/types.ts';
import { statsDocument } from './stats.ts';
import { createUpstreamHealth } from '../upstream-health.ts';

const NAME = 'r.example';

test('a cloud login that fails is missing once none is left to use, and of two the worse counts', async () => {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const metrics = declareCacheMetrics(createMetricsRegistry());
  const config = configOf({ upstream: NAME, provider: 'ecr' }).caches[0] as CacheConfig;
  const client: Upstream = {
    name: NAME,
    request: () => Promise.reject(new Error('asked')),
    logIn: () => Promise.reject(new Error('asked')),
    close: () => Promise.resolve(),
  };
  const deps = {
    clock,
    metrics,
    store: {
      stats: () => ({ bytes: 0, limitBytes: 1, objects: 0, damagedObjects: 0, perUpstream: [] }),
      maintenance: { scrubStats: () => undefined, handBackStats: () => undefined },
    },
    totals: new Map(),
    health: createUpstreamHealth(clock),
    version: 'test',
    directory: '/store',
  };
  const said = async (): Promise<readonly unknown[]> => {
    const { upstreams } = (await statsDocument(deps, { all: [{ name: NAME, config, client }] })) as {
      upstreams: readonly { cloudLoginFailing: boolean; cloudLoginMissing: boolean }[];
    };
    return upstreams.flatMap((one) => [one.cloudLoginFailing, one.cloudLoginMissing]);
  };
  const set = (provider: string, failing: number, lifeSeconds: number): void => {
    metrics.cloudLoginFailing.set({ upstream_host: NAME, provider }, failing);
    const end = lifeSeconds === 0 ? 0 : clock.now() / 1000 + lifeSeconds;
    metrics.cloudLoginEnd.set({ upstream_host: NAME, provider }, end);
  };

  set('ecr', 0, 0);
  assert.deepEqual(await said(), [false, false], 'the first answer has not come yet');
  set('ecr', 1, 0);
  assert.deepEqual(await said(), [true, true]);
  set('ecr', 1, 60);
  assert.deepEqual(await said(), [true, false]);
  set('gcp', 1, 0);
  assert.deepEqual(await said(), [true, true]);
  set('gcp', 0, 60);
  clock.advance(60_000);
  assert.deepEqual(await said(), [true, true]);
});
