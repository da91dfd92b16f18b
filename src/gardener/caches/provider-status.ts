import { API_VERSION } from '../../api/registry-config/schema.ts';
import { formatAddress } from '../../kit/listen.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import type { CacheService } from './cache-services.ts';

/** Status of the Extension, from which the webhook takes addresses and authority of the caches. */
export interface RegistryStatus {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'RegistryStatus';
  readonly caches: readonly {
    readonly upstream: string;
    readonly endpoint: string;
    readonly remoteURL: string;
  }[];
  /** Secret of the shoot namespace with the certificates to trust in `bundle.crt`. */
  readonly caSecretName?: string;
}

/** Builds the status in the order of the Services. `caSecretName` is undefined if no cache serves https. */
export function registryStatus(
  services: readonly CacheService[],
  caSecretName: string | undefined,
): RegistryStatus {
  return {
    apiVersion: API_VERSION,
    kind: 'RegistryStatus',
    caches: services.map(({ upstream, scheme, clusterIP, remoteURL }) => ({
      upstream,
      endpoint: `${scheme}://${formatAddress({ host: clusterIP, port: PORTS.registry })}`,
      remoteURL,
    })),
    ...(caSecretName !== undefined && { caSecretName }),
  };
}
