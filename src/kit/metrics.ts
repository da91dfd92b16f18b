import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';

/** From a key that waits for nothing to an API server that does not answer; in seconds. */
const WORK_SECONDS = [0.001, 0.01, 0.1, 1, 10, 100, 1000];

/** Where the bytes of an answer came from: the `source` label of `larder_client_bytes_total`. */
export type BytesFrom = 'hit' | 'fill' | 'join' | 'stale' | 'bypass';

/**
 * Every metric of the program, declared from the start so that dashboards find them before the first event. Names and labels
 * are a contract (`docs/reference/metrics.md`, kept in step by a test). The `registry_proxy_*` names are those of Distribution
 * in proxy mode, which the Gardener extension's dashboards read.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const seconds = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], registers, buckets: WORK_SECONDS });
  const proxied = ['upstream_host', 'type'] as const;
  const controller = ['controller'] as const;
  collectDefaultMetrics({ register: registry });

  return {
    registry,
    proxyRequests: counter('registry_proxy_requests_total', 'Requests for cacheable content', proxied),
    proxyHits: counter('registry_proxy_hits_total', 'Requests answered from the cache', proxied),
    proxyMisses: counter('registry_proxy_misses_total', 'Requests that needed the upstream', proxied),
    proxyPulledBytes: counter(
      'registry_proxy_pulled_bytes_total',
      'Body bytes received from upstreams',
      proxied,
    ),
    proxyPushedBytes: counter('registry_proxy_pushed_bytes_total', 'Body bytes sent to clients', proxied),
    upstreamRequests: counter(
      'larder_upstream_requests_total',
      'HTTP requests sent to upstreams, redirect targets and token servers',
      ['upstream_host', 'method', 'kind', 'code'],
    ),
    upstreamBytes: counter('larder_upstream_bytes_total', 'Body bytes received from upstreams', [
      'upstream_host',
    ]),
    clientBytes: counter('larder_client_bytes_total', 'Body bytes sent to clients, by where they came from', [
      'upstream_host',
      'source',
    ]),
    fillsInProgress: gauge('larder_fills_in_progress', 'Bodies being downloaded now'),
    fillJoins: counter('larder_fill_joins_total', 'Requests that joined a running fill'),
    storeBytes: gauge('larder_store_bytes', 'Bytes in the store, or those of one upstream with a budget', [
      'upstream_host',
    ]),
    storeLimitBytes: gauge('larder_store_limit_bytes', 'Byte budget of the store, or of one upstream', [
      'upstream_host',
    ]),
    evictions: counter('larder_evictions_total', 'Content removed from the store', ['reason']),
    storeDamaged: gauge(
      'larder_store_damaged_objects',
      'Stored content that is out of service because it is damaged',
    ),
    corruptBlobs: counter('larder_corrupt_blobs_total', 'Damaged content found, by what was done', [
      'action',
    ]),
    scrubProgress: gauge(
      'larder_scrub_progress_ratio',
      'Share of the stored bytes that the scrub under way has read; 1 while it rests',
    ),
    scrubBytes: counter('larder_scrub_bytes_total', 'Bytes that the scrub has read'),
    scrubDamaged: counter('larder_scrub_damaged_total', 'Damaged content that the scrub has found'),
    scrubLastCompletion: gauge(
      'larder_scrub_last_completion_timestamp_seconds',
      'When all stored content was last read, Unix time; 0 before the first',
    ),
    accessDecisions: counter('larder_access_decisions_total', 'Decisions on who may have private content', [
      'decision',
    ]),
    tokens: counter(
      'larder_tokens_total',
      'Answers of the token endpoint, one for each upstream in a request',
      ['upstream_host', 'outcome'],
    ),
    upstreamUp: gauge('larder_upstream_up', '1 when the upstream last answered, 0 when it last did not', [
      'upstream_host',
    ]),
    ratelimitRemaining: gauge('larder_ratelimit_remaining', 'Pulls left as the upstream last said', [
      'upstream_host',
    ]),
    configReloads: counter('larder_config_reloads_total', 'Attempts to apply a changed configuration', [
      'result',
    ]),
    configValid: gauge('larder_config_valid', '1 while the configuration file on disk is the one in use'),
    secretsMissing: gauge('larder_secrets_missing', '1 while a configured secret cannot be read', [
      'upstream_host',
    ]),
    credentialRefused: gauge(
      'larder_credential_refused',
      '1 while the upstream refuses one of the configured credentials',
      ['upstream_host'],
    ),
    cloudLoginFailing: gauge('larder_cloud_login_failing', '1 while no cloud login can be had or renewed', [
      'upstream_host',
      'provider',
    ]),
    cloudLoginEnd: gauge(
      'larder_cloud_login_end_timestamp_seconds',
      'When the last cloud login ends or has ended, Unix time; 0 before the first',
      ['upstream_host', 'provider'],
    ),
    kubeQueueDepth: gauge('larder_kube_queue_depth', 'Keys that wait to be reconciled now', controller),
    kubeQueueAdds: counter('larder_kube_queue_adds_total', 'Keys that came due for a controller', controller),
    kubeQueueRetries: counter('larder_kube_queue_retries_total', 'Keys put back after a failure', controller),
    kubeQueueLatency: seconds(
      'larder_kube_queue_duration_seconds',
      'How long a key waited after it had come due',
      controller,
    ),
    kubeQueueWork: seconds(
      'larder_kube_queue_work_duration_seconds',
      'How long the work on a key took',
      controller,
    ),
    kubeReconciles: counter('larder_kube_reconciles_total', 'Reconciles that have ended', [
      'controller',
      'result',
    ]),
    kubeLeader: gauge('larder_kube_leader', '1 while this process leads', ['lease']),
    kubeEventsDropped: counter('larder_kube_events_dropped_total', 'Events that were not written', ['cause']),
    kubeRequests: counter('larder_kube_requests_total', 'Requests sent to the Kubernetes API server', [
      'resource',
      'verb',
      'code',
    ]),
    kubeRelists: counter(
      'larder_kube_relists_total',
      'Full lists of a watched resource, the first included',
      ['resource'],
    ),
    kubeWatchFailures: counter('larder_kube_watch_failures_total', 'Lists and watches that failed', [
      'resource',
      'reason',
    ]),
    kubeLastEvent: gauge(
      'larder_kube_last_event_timestamp_seconds',
      'When the API server last sent an event or bookmark of a watched resource, Unix time',
      ['resource'],
    ),
    kubeObjects: gauge('larder_kube_objects', 'Objects in the cache of a watched resource', ['resource']),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
