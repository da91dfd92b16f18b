import { upstreamLabel, upstreamResourceName } from '../../api/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';

/** Says of an object that it is ours: nothing without it is ever changed or removed. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'larder-operator' };

export const PORTS = { registry: 5000, admin: 5001 } as const;

/** What one upstream's objects are called, and how they find each other. */
export interface Identity {
  /** Of everything but the Service. */
  readonly name: string;
  readonly serviceName: string;
  /** Of its pods and nothing else; immutable in a StatefulSet. */
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export function identityOf({ cache }: Pick<CacheValues, 'cache'>): Identity {
  const name = upstreamResourceName(cache.upstream);
  const suffix = cache.serviceNameSuffix;
  const selector = { app: name, 'upstream-host': upstreamLabel(cache.upstream) };
  return {
    name,
    serviceName: suffix === undefined ? name : `registry-${suffix}`,
    selector,
    labels: { ...selector, 'app.kubernetes.io/name': 'registry-cache', ...MANAGED_BY },
  };
}

/** An object of a cache, with what all of them have in common. */
export function cacheObject<const T extends { apiVersion: string; kind: string }>(
  values: CacheValues,
  name: string,
  rest: T,
): T & KubeObject {
  const { labels } = identityOf(values);
  const annotations = { upstream: values.cache.upstream, 'larder/asked-by': values.askedBy };
  return { ...rest, metadata: { name, namespace: values.namespace, labels, annotations } };
}
