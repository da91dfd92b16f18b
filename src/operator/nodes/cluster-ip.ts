import type { PlannedCache } from '../configs/plan.ts';
import { cacheNamesOf } from '../render/cache-names.ts';
import {
  objectsOfCache,
  belongToAnother,
  isServiceOfAnotherCache,
  type WatchedObjects,
} from '../ownership/existing-objects.ts';

/**
 * The address of a cache's Service; undefined while it has none, and while the Service is still that of another cache, or of the object
 * that asked before: that is taken away first, and nothing that it says is told of this one.
 */
export function clusterIpOf(
  planned: PlannedCache,
  watched: WatchedObjects,
  namespace: string,
): string | undefined {
  const { serviceName } = cacheNamesOf({ cache: planned.config });
  const service = watched.services.get({ namespace, name: serviceName });
  if (service === undefined || isServiceOfAnotherCache(service, planned.key)) return undefined;
  if (belongToAnother(objectsOfCache(watched, planned.key), planned)) return undefined;
  const { clusterIP = '' } = service.spec ?? {};
  return clusterIP === '' || clusterIP === 'None' ? undefined : clusterIP;
}
