import type { CacheDocument } from '../../api/registry-config/schema.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import type { KubeObject } from '../../kube/types.ts';
import { shootComponent, type Component } from '../managed-resources/component.ts';
import { uniqueSecret } from '../managed-resources/unique-secret.ts';
import { configSecret } from './config-secret.ts';
import { shootAutoscaler, shootDisruptionBudget, shootNetworkPolicy } from './policies.ts';
import type { ReferencedSecrets } from './referenced-secrets.ts';
import { SHOOT_NAMESPACE, shootNamesOf } from './shoot-names.ts';
import { shootStatefulSet } from './stateful-set.ts';

/** Name of the ManagedResource with everything but the Services. */
export const CACHES_COMPONENT = 'extension-registry-cache';

/** Certificate and key of a cache in `tls.crt` and `tls.key`, PEM. */
export type CacheCertificate = Readonly<Record<string, string>>;

export interface CachesComponentValues {
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
  readonly image: string;
  readonly caches: readonly CacheDocument[];
  /** True if the shoot has the vertical autoscaler. */
  readonly hasAutoscaler: boolean;
  /** Certificates by upstream, for the caches that serve https. */
  readonly certificates: ReadonlyMap<string, CacheCertificate>;
  readonly secrets: ReferencedSecrets;
  /** True: the caches give their stores back to Distribution, and store nothing. */
  readonly handBack: boolean;
}

/**
 * Renders everything of the caches in a shoot but their Services. Equal values give equal bytes and names. Throws `CONFIG_INVALID` in the words
 * of the Go extension for the first cache that lacks its certificate or a Secret, and if objects of two caches have one name.
 */
export function cachesComponent(values: CachesComponentValues): Component {
  const { namespace, caches } = values;
  const objects = [shootNetworkPolicy(), ...caches.flatMap((cache) => objectsOf(cache, values))];
  return shootComponent(
    { namespace, name: CACHES_COMPONENT, secretBase: CACHES_COMPONENT, deletePersistentVolumeClaims: true },
    objects,
  );
}

function objectsOf(cache: CacheDocument, values: CachesComponentValues): KubeObject[] {
  const { upstream } = cache;
  const certificate = cache.http.tls ? values.certificates.get(upstream) : undefined;
  if (cache.http.tls && certificate === undefined) {
    throw new LarderError('CONFIG_INVALID', `secret for upstream ${upstream} not found`);
  }
  try {
    const config = configSecret(cache, values.secrets, values.handBack);
    const tls = certificate === undefined ? undefined : tlsSecret(cache, certificate);
    return [
      config,
      ...(tls === undefined ? [] : [tls]),
      shootStatefulSet(cache, {
        image: values.image,
        configSecret: config.metadata.name,
        tlsSecret: tls?.metadata.name,
      }),
      ...(cache.highAvailability.enabled ? [shootDisruptionBudget(cache)] : []),
      ...(values.hasAutoscaler ? [shootAutoscaler(cache)] : []),
    ];
  } catch (cause) {
    if (!isLarderError(cause)) throw cause;
    const message = `failed to compute resources for upstream ${upstream}: ${cause.message}`;
    throw new LarderError('CONFIG_INVALID', message, { cause });
  }
}

/** Copies the certificate of a cache into the shoot. */
function tlsSecret(cache: CacheDocument, certificate: CacheCertificate) {
  const { name, labels } = shootNamesOf(cache);
  const entries = Object.entries(certificate).map(([key, pem]) => [key, Buffer.from(pem).toString('base64')]);
  return uniqueSecret({
    base: `${name}-tls`,
    namespace: SHOOT_NAMESPACE,
    labels,
    type: 'Opaque',
    data: Object.fromEntries(entries) as Record<string, string>,
  });
}
