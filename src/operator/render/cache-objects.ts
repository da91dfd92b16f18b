import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { configMap } from './config-map.ts';
import { disruptionBudget, networkPolicy, serviceMonitor } from './policies.ts';
import { secretObject } from './secret-files.ts';
import { service } from './service.ts';
import { statefulSet } from './stateful-set.ts';

/**
 * All that the cluster has to hold for one cache, but for its certificate, in the order in which it is applied: what a pod mounts comes
 * before the pod. The same values give the same objects, byte for byte.
 */
export function cacheObjects(values: CacheValues): KubeObject[] {
  return [
    service(values),
    configMap(values),
    secretObject(values),
    networkPolicy(values),
    disruptionBudget(values),
    statefulSet(values),
    ...(values.serviceMonitor ? [serviceMonitor(values)] : []),
  ];
}
