import type { MetricsRegistry } from '../kit/metrics.ts';
import { declareStoreMetrics, type StoreMetrics } from '../store/metrics.ts';
import { EVICTION_REASONS } from '../store/space/evictor.ts';
import { declareUpstreamMetrics, type UpstreamMetrics } from '../upstream/metrics.ts';

/** Source of the bytes of an answer: values of the `source` label of `larder_client_bytes_total`. */
const BYTES_FROM = ['hit', 'fill', 'join', 'stale', 'bypass'] as const;
export type BytesFrom = (typeof BYTES_FROM)[number];

/**
 * Decision on a requester's access: values of the `decision` label of `larder_access_decisions_total`.
 * `shared`: the configured credential serves everyone. `public`, `granted`: a proof lives. `proven`: the upstream was asked
 * and served the requester. `refused`: the upstream was asked and refused it. `challenged`: refused from memory, since
 * anonymous callers were refused a moment ago. `outage`: the upstream could not be asked, and an older proof counts.
 */
const DECISIONS = ['shared', 'public', 'granted', 'proven', 'refused', 'challenged', 'outage'] as const;
export type Decision = (typeof DECISIONS)[number];

/**
 * Outcome of a token request at one upstream: values of the `outcome` label of `larder_tokens_total`.
 * `granted`: the upstream accepted the login. `anonymous`: there was no login. `refused`: the upstream refused the login.
 * `grace`: the upstream could not be asked, and an older proof counts. `failed`: the upstream could not be asked.
 */
const TOKEN_OUTCOMES = ['granted', 'anonymous', 'refused', 'grace', 'failed'] as const;
export type TokenOutcome = (typeof TOKEN_OUTCOMES)[number];

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

/** Sets the series to zero whose labels are known at the start: dashboards and alerts then see zeros rather than nothing. */
export function zeroEventSeries(metrics: CacheMetrics): void {
  metrics.configValid.set(1);
  for (const result of ['applied', 'refused']) metrics.configReloads.inc({ result }, 0);
  for (const decision of DECISIONS) metrics.accessDecisions.inc({ decision }, 0);
  for (const reason of EVICTION_REASONS) metrics.evictions.inc({ reason }, 0);
  for (const action of ['quarantined', 'repaired', 'refetched', 'refused'])
    metrics.corruptBlobs.inc({ action }, 0);
}

/** Adds the series of these upstreams, for the same reason. */
export function zeroUpstreamSeries(metrics: CacheMetrics, names: readonly string[]): void {
  for (const name of names) {
    metrics.upstreamBytes.inc({ upstream_host: name }, 0);
    for (const source of BYTES_FROM) metrics.clientBytes.inc({ upstream_host: name, source }, 0);
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
