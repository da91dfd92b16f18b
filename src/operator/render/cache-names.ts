import type { CacheConfig } from '../../api/registry-config/effective.ts';
import { upstreamLabel, upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { OWNER_ANNOTATION, MANAGED_BY, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import type { CacheValues } from './cache-values.ts';

export const PORTS = { registry: 5000, admin: 5001 } as const;

/** What one upstream's objects are called, and how they find each other. */
export interface CacheNames {
  /** Of everything but the Service. */
  readonly name: string;
  readonly serviceName: string;
  /** Of its pods and nothing else; immutable in a StatefulSet. */
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

/** What of a cache its names follow from. */
export type NamedCache = Pick<CacheConfig, 'upstream' | 'serviceNameSuffix'>;

export function serviceNameOf({ upstream, serviceNameSuffix: suffix }: NamedCache): string {
  return suffix === undefined ? upstreamResourceName(upstream) : `registry-${suffix}`;
}

/** What the metadata of a cache's objects are made of. */
export type CacheIdentity = Pick<CacheValues, 'namespace' | 'owner'> & { readonly cache: NamedCache };

/** An object of a cache, with what all of them have in common. */
export function cacheObject<const T extends { apiVersion: string; kind: string }>(
  values: CacheIdentity,
  name: string,
  rest: T,
): T & KubeObject {
  const { labels } = cacheNamesOf(values);
  const annotations = { [UPSTREAM_ANNOTATION]: values.cache.upstream, [OWNER_ANNOTATION]: values.owner };
  return { ...rest, metadata: { name, namespace: values.namespace, labels, annotations } };
}
