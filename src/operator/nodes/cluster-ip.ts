import type { PlannedCache } from '../configs/plan.ts';
import { cacheNamesOf } from '../render/cache-names.ts';
import {
  objectsOfCache,
  belongToAnother,
  isServiceOfAnotherCache,
  type WatchedObjects,
} from '../ownership/existing-objects.ts';

/**
 * The cluster IP of a cache's Service. Undefined while it has none, and while the Service still belongs to another cache or to the previous
 * owner: it is deleted first, and its address is never published for this cache.
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
