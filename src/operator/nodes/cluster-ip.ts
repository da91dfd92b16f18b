import type { PlannedCache } from '../configs/plan.ts';
import { identityOf } from '../render/identity.ts';
import {
  allExisting,
  isAnothers,
  isServiceOfAnother,
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
  const { serviceName } = identityOf({ cache: planned.config });
  const service = watched.services.get({ namespace, name: serviceName });
  if (service === undefined || isServiceOfAnother(service, planned.key)) return undefined;
  if (isAnothers(allExisting(watched, planned.key), planned)) return undefined;
  const { clusterIP = '' } = service.spec ?? {};
  return clusterIP === '' || clusterIP === 'None' ? undefined : clusterIP;
}
