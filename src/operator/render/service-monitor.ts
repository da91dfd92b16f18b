import type { KubeObject } from '../../kube/types.ts';
import { cacheNamesOf, cacheObject } from './cache-names.ts';
import type { CacheValues } from './cache-values.ts';

/** Lets the Prometheus operator scrape the cache. Rendered only if the cluster serves ServiceMonitors. */
export function serviceMonitor(values: CacheValues): KubeObject & { spec: object } {
  const { name, selector } = cacheNamesOf(values);
  const { metadata, ...monitor } = cacheObject(values, name, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    spec: { selector: { matchLabels: selector }, endpoints: [{ port: 'debug', path: '/metrics' }] },
  });
  return {
    ...monitor,
    metadata: { ...metadata, labels: { ...values.serviceMonitorLabels, ...metadata.labels } },
  };
}
