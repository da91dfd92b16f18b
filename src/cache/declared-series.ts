import type { BytesFrom, CacheMetrics } from './metrics.ts';
import { EVICTION_REASONS } from '../store/space/evictor.ts';
import { DECISIONS } from './access/requester.ts';
import { TOKEN_OUTCOMES } from './token/token-outcome.ts';

const SOURCES: readonly BytesFrom[] = ['hit', 'fill', 'join', 'stale', 'bypass'];

/** Makes the series of these upstreams exist from the start, so that dashboards and alerts see zeros rather than nothing. */
export function declareUpstreams(metrics: CacheMetrics, names: readonly string[]): void {
  for (const name of names) {
    metrics.upstreamBytes.inc({ upstream_host: name }, 0);
    for (const source of SOURCES) metrics.clientBytes.inc({ upstream_host: name, source }, 0);
    for (const outcome of TOKEN_OUTCOMES) metrics.tokens.inc({ upstream_host: name, outcome }, 0);
    for (const type of ['manifest', 'blob']) {
      const labels = { upstream_host: name, type };
      metrics.proxyRequests.inc(labels, 0);
      metrics.proxyHits.inc(labels, 0);
      metrics.proxyMisses.inc(labels, 0);
      metrics.proxyPulledBytes.inc(labels, 0);
      metrics.proxyPushedBytes.inc(labels, 0);
    }
  }
}

/** Makes the series exist whose labels are known before anything happens. */
export function declareEvents(metrics: CacheMetrics): void {
  metrics.configValid.set(1);
  for (const result of ['applied', 'refused']) metrics.configReloads.inc({ result }, 0);
  for (const decision of DECISIONS) metrics.accessDecisions.inc({ decision }, 0);
  for (const reason of EVICTION_REASONS) metrics.evictions.inc({ reason }, 0);
  for (const action of ['quarantined', 'repaired', 'refetched', 'refused'])
    metrics.corruptBlobs.inc({ action }, 0);
}
