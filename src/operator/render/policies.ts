import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf } from './cache-names.ts';

/**
 * Allows ingress to the two ports of the cache and to nothing else. Egress is left to the cluster, because registries can be anywhere.
 */
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

/** Allows a node to be drained. While the cache moves, nodes pull from the origin, which does no harm. */
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
