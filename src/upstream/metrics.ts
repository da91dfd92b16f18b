import type { MetricsRegistry } from '../kit/metrics.ts';

export type UpstreamMetrics = ReturnType<typeof declareUpstreamMetrics>;

/** Declares the metrics of the clients of upstreams, so that dashboards find them before the first event. */
export function declareUpstreamMetrics({ registry, counter, gauge }: MetricsRegistry) {
  return {
    registry,
    upstreamRequests: counter(
      'larder_upstream_requests_total',
      'HTTP requests sent to upstreams, redirect targets and token servers',
      ['upstream_host', 'method', 'kind', 'code'],
    ),
    /** The name is that of Distribution in proxy mode. */
    proxyPulledBytes: counter('registry_proxy_pulled_bytes_total', 'Body bytes received from upstreams', [
      'upstream_host',
      'type',
    ]),
    upstreamBytes: counter('larder_upstream_bytes_total', 'Body bytes received from upstreams', [
      'upstream_host',
    ]),
    upstreamUp: gauge('larder_upstream_up', '1 when the upstream last answered, 0 when it last did not', [
      'upstream_host',
    ]),
    ratelimitRemaining: gauge('larder_ratelimit_remaining', 'Pulls left as the upstream last said', [
      'upstream_host',
    ]),
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
  };
}
