import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';
import { configMap } from './config-map.ts';
import { disruptionBudget, networkPolicy } from './policies.ts';
import { secretObject } from './secret-object.ts';
import { serviceMonitor } from './service-monitor.ts';
import { service } from './service.ts';
import { statefulSet } from './stateful-set.ts';

/**
 * Renders all objects of one cache except its certificate, in the order in which they are applied: everything a pod mounts comes before the
 * pod. Equal values give equal objects, byte for byte.
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
