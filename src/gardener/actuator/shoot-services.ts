import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { SERVICES } from '../../operator/cluster/resources.ts';
import { cacheServices, SERVICES_QUERY, type CacheService } from '../caches/cache-services.ts';
import { withShoot, type ShootDeps, type ShootOf } from './with-shoot.ts';
import { within } from './within.ts';

export interface ShootServicesOptions extends ShootOf {
  readonly caches: readonly CacheDocument[];
}

/** Reads the Services of the caches from the shoot, through a client of its own that is closed afterwards. */
export async function readShootServices(
  deps: ShootDeps,
  { caches, ...of }: ShootServicesOptions,
  signal: AbortSignal,
): Promise<readonly CacheService[]> {
  return withShoot(
    deps,
    of,
    async (shoot) => {
      const { items } = await within('failed to read services from shoot', () =>
        shoot.list(SERVICES, SERVICES_QUERY, { signal }),
      );
      return cacheServices(items, caches);
    },
    signal,
  );
}
