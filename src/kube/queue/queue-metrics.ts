import type { KubeMetrics } from '../metrics.ts';

/** What one queue tells of itself, as `larder_kube_queue_*` with the controller's name. */
export interface QueueMetrics {
  depth(size: number): void;
  added(): void;
  retried(): void;
  /** A key was handed out after it had been ready for so long. */
  taken(waitedMs: number): void;
  /** Its work is done. */
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
