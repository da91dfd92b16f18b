import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';

/**
 * Declares the metrics of one program. Each room declares its own in its `metrics.ts`; names and labels are documented in
 * `docs/reference/metrics.md`.
 */
export interface MetricsRegistry {
  readonly registry: Registry;
  readonly counter: <const L extends string>(
    name: string,
    help: string,
    labelNames?: readonly L[],
  ) => Counter<L>;
  readonly gauge: <const L extends string>(name: string, help: string, labelNames?: readonly L[]) => Gauge<L>;
  /** `buckets`: upper bounds in the unit of the metric, ascending. */
  readonly histogram: <const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[],
  ) => Histogram<L>;
}

/** Creates a registry without metrics. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labelNames = []) =>
      new Counter({ name, help, labelNames: [...labelNames], registers }),
    gauge: (name, help, labelNames = []) => new Gauge({ name, help, labelNames: [...labelNames], registers }),
    histogram: (name, help, labelNames, buckets) =>
      new Histogram({ name, help, labelNames: [...labelNames], registers, buckets: [...buckets] }),
  };
}

/**
 * Creates a registry with the usual `process_*` and `nodejs_*` metrics, once in a process: their timers never end, and take 0.8 % of a
 * processor while nothing happens.
 */
export function createProcessMetrics(): MetricsRegistry {
  const metrics = createMetricsRegistry();
  collectDefaultMetrics({ register: metrics.registry, eventLoopUtilizationTimeout: UTILIZATION_MS });
  return metrics;
}

/** Time over which the use of the event loop is measured. The default of 100 ms takes another 0.4 % of a processor. */
const UTILIZATION_MS = 1000;
