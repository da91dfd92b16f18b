import type { MetricsRegistry } from '../kit/metrics.ts';

/** Buckets in seconds, from a key without a wait to an API server that does not answer. */
const WORK_SECONDS = [0.001, 0.01, 0.1, 1, 10, 100, 1000];

export type KubeMetrics = ReturnType<typeof declareKubeMetrics>;

/** Declares the metrics of controllers and of the API client, so that dashboards find them before the first event. */
export function declareKubeMetrics({ registry, counter, gauge, histogram }: MetricsRegistry) {
  const controller = ['controller'] as const;
  const seconds = (name: string, help: string) => histogram(name, help, controller, WORK_SECONDS);
  return {
    registry,
    kubeQueueDepth: gauge('larder_kube_queue_depth', 'Keys that wait to be reconciled now', controller),
    kubeQueueAdds: counter('larder_kube_queue_adds_total', 'Keys that came due for a controller', controller),
    kubeQueueRetries: counter('larder_kube_queue_retries_total', 'Keys put back after a failure', controller),
    kubeQueueLatency: seconds(
      'larder_kube_queue_duration_seconds',
      'How long a key waited after it had come due',
    ),
    kubeQueueWork: seconds('larder_kube_queue_work_duration_seconds', 'How long the work on a key took'),
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
    kubeObjects: gauge('larder_kube_objects', 'Objects in the local store of a watched resource', [
      'resource',
    ]),
  };
}

/** Metrics of the client and the reflectors; those of {@link declareKubeMetrics} fit. */
export interface WatchMetrics {
  readonly kubeRequests: Count<'resource' | 'verb' | 'code'>;
  readonly kubeRelists: Count<'resource'>;
  readonly kubeWatchFailures: Count<'resource' | 'reason'>;
  readonly kubeLastEvent: Level<'resource'>;
  readonly kubeObjects: Level<'resource'>;
}

/** For a program without metrics: their registry would take 2 MB of its memory. */
export const withoutMetrics: WatchMetrics = {
  kubeRequests: { inc() {} },
  kubeRelists: { inc() {} },
  kubeWatchFailures: { inc() {} },
  kubeLastEvent: { set() {} },
  kubeObjects: { set() {} },
};

interface Count<L extends string> {
  inc(labels: Readonly<Record<L, string>>): void;
}

interface Level<L extends string> {
  set(labels: Readonly<Record<L, string>>, value: number): void;
}
