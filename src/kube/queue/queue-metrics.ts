import type { KubeMetrics } from '../metrics.ts';

/** Metrics of one queue: `larder_kube_queue_*` with the controller's name. */
export interface QueueMetrics {
  depth(size: number): void;
  added(): void;
  retried(): void;
  /** A key was handed out after waiting this long. */
  taken(waitedMs: number): void;
  /** The work on a key has ended. */
  worked(ms: number): void;
}

export function createQueueMetrics(metrics: KubeMetrics, controller: string): QueueMetrics {
  const labels = { controller };
  metrics.kubeQueueDepth.set(labels, 0);
  metrics.kubeQueueAdds.inc(labels, 0);
  metrics.kubeQueueRetries.inc(labels, 0);
  return {
    depth: (size) => metrics.kubeQueueDepth.set(labels, size),
    added: () => metrics.kubeQueueAdds.inc(labels),
    retried: () => metrics.kubeQueueRetries.inc(labels),
    taken: (waitedMs) => metrics.kubeQueueLatency.observe(labels, waitedMs / 1000),
    worked: (ms) => metrics.kubeQueueWork.observe(labels, ms / 1000),
  };
}
