/** What the client and the reflectors count; the metrics of `kit/metrics.ts` fit. */
export interface WatchMetrics {
  readonly kubeRequests: Count<'resource' | 'verb' | 'code'>;
  readonly kubeRelists: Count<'resource'>;
  readonly kubeWatchFailures: Count<'resource' | 'reason'>;
  readonly kubeLastEvent: Level<'resource'>;
  readonly kubeObjects: Level<'resource'>;
}

interface Count<L extends string> {
  inc(labels: Readonly<Record<L, string>>): void;
}

interface Level<L extends string> {
  set(labels: Readonly<Record<L, string>>, value: number): void;
}

/** For a program that shows no metrics: the registry of all of them would take it 2 MB. */
export const withoutMetrics: WatchMetrics = {
  kubeRequests: { inc() {} },
  kubeRelists: { inc() {} },
  kubeWatchFailures: { inc() {} },
  kubeLastEvent: { set() {} },
  kubeObjects: { set() {} },
};
