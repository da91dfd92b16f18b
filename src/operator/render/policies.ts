import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf } from './cache-names.ts';

/** Nodes and pods reach its two ports, and nothing else of it. What it may reach is left to the cluster: registries are anywhere. */
export function networkPolicy(values: CacheValues): KubeObject & { spec: object } {
  const { name, selector } = cacheNamesOf(values);
  return cacheObject(values, name, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: ['Ingress'],
      ingress: [
        {
          ports: [
            { port: 'registry-cache', protocol: 'TCP' },
            { port: 'debug', protocol: 'TCP' },
          ],
        },
      ],
    },
  });
}

/** Lets a node be drained: nodes go to the origin while their cache moves, which is no harm. */
export function disruptionBudget(values: CacheValues): KubeObject & { spec: object } {
  const { name, selector } = cacheNamesOf(values);
  return cacheObject(values, name, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selector },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
}

/** For the Prometheus operator, where its API is there. */
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
