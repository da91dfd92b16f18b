import { upstreamLabel, upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { OWNER_ANNOTATION, MANAGED_BY, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import type { CacheValues } from './cache-values.ts';

export const PORTS = { registry: 5000, admin: 5001 } as const;

/** Names, labels and selector of the Kubernetes objects of one cache. */
export interface CacheNames {
  /** Name, or start of the name, of every object except the Service. */
  readonly name: string;
  readonly serviceName: string;
  /** Selects the pods of this cache and no others. Immutable in a StatefulSet. */
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export function cacheNamesOf({ cache }: { readonly cache: NamedCache }): CacheNames {
  const name = upstreamResourceName(cache.upstream);
  const selector = { app: name, 'upstream-host': upstreamLabel(cache.upstream) };
  return {
    name,
    serviceName: serviceNameOf(cache),
    selector,
    labels: { ...selector, 'app.kubernetes.io/name': 'registry-cache', ...MANAGED_BY },
  };
}

/** The fields of a cache that determine its names. */
export interface NamedCache {
  readonly upstream: string;
  readonly serviceNameSuffix?: string | undefined;
}

export function serviceNameOf({ upstream, serviceNameSuffix: suffix }: NamedCache): string {
  return suffix === undefined ? upstreamResourceName(upstream) : `registry-${suffix}`;
}

/** Name of the Secret with the certificate of the cache. */
export function certificateSecretName(cache: NamedCache): string {
  return `${upstreamResourceName(cache.upstream)}-tls`;
}

/** Everything that determines the metadata of a cache's objects. */
export type CacheIdentity = Pick<CacheValues, 'namespace' | 'owner' | 'objectLabels'> & {
  readonly cache: NamedCache;
};

/** Adds the common metadata to an object of a cache. */
export function cacheObject<const T extends { apiVersion: string; kind: string }>(
  values: CacheIdentity,
  name: string,
  rest: T,
): T & KubeObject {
  const labels = { ...values.objectLabels, ...cacheNamesOf(values).labels };
  const annotations = { [UPSTREAM_ANNOTATION]: values.cache.upstream, [OWNER_ANNOTATION]: values.owner };
  return { ...rest, metadata: { name, namespace: values.namespace, labels, annotations } };
}
