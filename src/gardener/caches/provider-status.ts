import { z } from 'zod';
import { API_VERSION } from '../../api/registry-config/schema.ts';
import { goQuote } from '../../kit/document/go-quote.ts';
import { LarderError } from '../../kit/errors.ts';
import { formatAddress } from '../../kit/listen.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import { goList, goOptionalText, goStruct, goText, unmarshalText } from '../shoots/go-fields.ts';
import type { CacheService } from './cache-services.ts';

const KIND = 'RegistryStatus';

/** Status of the Extension, from which the webhook takes addresses and authority of the caches. */
export interface RegistryStatus {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
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
    kind: KIND,
    caches: services.map(({ upstream, scheme, clusterIP, remoteURL }) => ({
      upstream,
      endpoint: `${scheme}://${formatAddress({ host: clusterIP, port: PORTS.registry })}`,
      remoteURL,
    })),
    ...(caSecretName !== undefined && { caSecretName }),
  };
}

/** The part of a {@link RegistryStatus} that nodes need. */
export type PublishedCaches = Pick<RegistryStatus, 'caches' | 'caSecretName'>;

/**
 * Reads the status of an Extension as the Go extension does: unknown fields are left out, `kind` may be missing, and without `apiVersion` it is empty.
 * Throws `CONFIG_INVALID` for another type, and in the words of Go for a field with a value of another type.
 */
export function readRegistryStatus(document: unknown): PublishedCaches {
  const result = STATUS.safeParse(document);
  if (!result.success) throw new LarderError('CONFIG_INVALID', unmarshalText(document, result.error));
  const { apiVersion, kind, caches, caSecretName } = result.data;
  const isUntyped = apiVersion === '';
  if (!(isUntyped || apiVersion === API_VERSION) || !(kind === '' || kind === KIND)) {
    const message = `no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)} here: expected a ${KIND} of ${API_VERSION}`;
    throw new LarderError('CONFIG_INVALID', message);
  }
  return isUntyped ? { caches: [] } : { caches, ...(caSecretName !== undefined && { caSecretName }) };
}

const STATUS = z.object(
  {
    apiVersion: goText('RegistryStatus.apiVersion of type string'),
    kind: goText('RegistryStatus.kind of type string'),
    caches: goList(
      'RegistryStatus.caches of type []v1alpha3.RegistryCacheStatus',
      goStruct('RegistryStatus.caches of type v1alpha3.RegistryCacheStatus', {
        upstream: goText('RegistryCacheStatus.caches.upstream of type string'),
        endpoint: goText('RegistryCacheStatus.caches.endpoint of type string'),
        remoteURL: goText('RegistryCacheStatus.caches.remoteURL of type string'),
      }),
    ),
    caSecretName: goOptionalText('RegistryStatus.caSecretName of type string'),
  },
  'value of type v1alpha3.RegistryStatus',
);
