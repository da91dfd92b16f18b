/** Input of the status of a cache. */
import type { CacheConfig } from '../../src/api/registry-config/effective.ts';
import type { StatefulSet } from '../../src/operator/cluster/resources.ts';
import type { CacheStats } from '../../src/operator/status/cache-stats.ts';
import { cacheView, type CacheInput } from '../../src/operator/status/cache-view.ts';
import { configOf } from '../cache/target.ts';
import { nodesOf } from './nodes-input.ts';

export const running: StatefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'registry-docker-io', generation: 1 },
  status: { observedGeneration: 1, readyReplicas: 1, currentRevision: 'a', updateRevision: 'a' },
};

export const STATS: CacheStats = {
  upstream: 'docker.io',
  requests: 200,
  hits: 187,
  bytesFromStore: 123_456_789,
  storedBytes: 5_000_000,
  credentialRefused: false,
  secretsMissing: false,
  cloudLoginFailing: false,
  cloudLoginMissing: false,
  failing: false,
  storeFull: false,
  lastError: null,
};

export const SPEC = 'uid/1';

export const KNOWN = {
  appliedSpec: SPEC,
  appliedGeneration: 1,
  volumeBytes: 10 * 2 ** 30,
  endpoint: 'https://registry-docker-io.larder-system.svc:5000',
  missingSecrets: [],
  invalidSecrets: [],
  caBundleProblem: undefined,
  volumeProblem: undefined,
  problem: undefined,
};

/** The view of a running cache of docker.io about which everything is known, with `more` changed. */
export function viewOf(cache: Record<string, unknown> = {}, more: Partial<CacheInput> = {}) {
  return cacheView({
    config: configOf({ upstream: 'docker.io', ...cache }).caches[0] as CacheConfig,
    currentSpec: SPEC,
    set: running,
    pods: [],
    claim: undefined,
    known: KNOWN,
    stats: STATS,
    nodes: nodesOf([]),
    before: undefined,
    conditions: [],
    ...more,
  });
}
