import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { cacheObject, cacheNamesOf, PORTS } from './cache-names.ts';

/** Renders the address of the cache. The ports have the names that the Gardener extension gives them. */
export function service(values: CacheValues): KubeObject & { spec: object } {
  const { serviceName, selector } = cacheNamesOf(values);
  return cacheObject(values, serviceName, {
    apiVersion: 'v1',
    kind: 'Service',
    spec: {
      type: 'ClusterIP',
      selector,
      ports: [
        { name: 'registry-cache', port: PORTS.registry, targetPort: 'registry-cache', protocol: 'TCP' },
        { name: 'debug', port: PORTS.admin, targetPort: 'debug', protocol: 'TCP' },
      ],
    },
  });
}
