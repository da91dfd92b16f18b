import { configId } from '../configs/config-id.ts';
import type { PlannedCache } from '../configs/plan.ts';
import { identityOf } from '../render/identity.ts';
import type { Watched } from '../watched.ts';
import { askerOf } from './standing-objects.ts';

/**
 * The address of a cache's Service; undefined while it has none, and while the Service is still that of the object that asked before: its
 * cache is taken away first, and nothing that it says is told of this one.
 */
export function clusterIpOf(
  { config: cache, holder }: PlannedCache,
  watched: Pick<Watched, 'services'>,
  namespace: string,
): string | undefined {
  const { serviceName } = identityOf({ cache });
  const service = watched.services.get({ namespace, name: serviceName });
  if (service === undefined || askerOf(service) !== configId(holder)) return undefined;
  const { clusterIP = '' } = service.spec ?? {};
  return clusterIP === '' || clusterIP === 'None' ? undefined : clusterIP;
}
