import type { MetricsRegistry } from '../kit/metrics.ts';
import { declareStoreMetrics, type StoreMetrics } from '../store/metrics.ts';
import { declareUpstreamMetrics, type UpstreamMetrics } from '../upstream/metrics.ts';

/** Where the bytes of an answer came from: the `source` label of `larder_client_bytes_total`. */
export type BytesFrom = 'hit' | 'fill' | 'join' | 'stale' | 'bypass';

export type CacheMetrics = ReturnType<typeof declareOwnMetrics> & UpstreamMetrics & StoreMetrics;

/** Declares every metric of `larder serve`: those of the cache, of the clients of its upstreams and of its store. */
export function declareCacheMetrics(registry: MetricsRegistry): CacheMetrics {
  return {
    ...declareOwnMetrics(registry),
    ...declareUpstreamMetrics(registry),
    ...declareStoreMetrics(registry),
  };
}

/** The `registry_proxy_*` names are those of Distribution in proxy mode, which the Gardener extension's dashboards read. */
function declareOwnMetrics({ counter, gauge }: MetricsRegistry) {
  const proxied = ['upstream_host', 'type'] as const;
  return {
    proxyRequests: counter('registry_proxy_requests_total', 'Requests for cacheable content', proxied),
    proxyHits: counter('registry_proxy_hits_total', 'Requests answered from the cache', proxied),
    proxyMisses: counter('registry_proxy_misses_total', 'Requests that needed the upstream', proxied),
    proxyPushedBytes: counter('registry_proxy_pushed_bytes_total', 'Body bytes sent to clients', proxied),
    clientBytes: counter('larder_client_bytes_total', 'Body bytes sent to clients, by where they came from', [
      'upstream_host',
      'source',
    ]),
    fillsInProgress: gauge('larder_fills_in_progress', 'Bodies being downloaded now'),
    fillJoins: counter('larder_fill_joins_total', 'Requests that joined a running fill'),
    accessDecisions: counter('larder_access_decisions_total', 'Decisions on who may have private content', [
      'decision',
    ]),
    tokens: counter(
      'larder_tokens_total',
      'Answers of the token endpoint, one for each upstream in a request',
      ['upstream_host', 'outcome'],
    ),
    configReloads: counter('larder_config_reloads_total', 'Attempts to apply a changed configuration', [
      'result',
    ]),
    configValid: gauge('larder_config_valid', '1 while the configuration file on disk is the one in use'),
  };
}
