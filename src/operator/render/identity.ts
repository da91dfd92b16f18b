import type { CacheConfig } from '../../api/registry-config-effective.ts';
import { upstreamLabel, upstreamResourceName } from '../../api/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { CacheValues } from './cache-values.ts';

/** Says of an object that it is ours: nothing without it is ever changed or removed. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'larder-operator' };

/** Selects the objects that have it. */
export const OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/** Selects the objects that do not. */
export const NOT_OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}!=${value}`)
  .join(',');

export function hasOurLabel(labels: Readonly<Record<string, string>>): boolean {
  return hasMarks(labels, MANAGED_BY);
}

/** Whether labels, or annotations, have all that is `wanted`. */
export function hasMarks(marks: Marks = {}, wanted: Marks): boolean {
  return Object.entries(wanted).every(([name, value]) => marks[name] === value);
}

type Marks = Readonly<Record<string, string>>;

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

export function identityOf({ cache }: { readonly cache: NamedCache }): Identity {
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

/** The object that asks for the cache that an object is part of, as `configId` has it; and the upstream. */
export const ASKED_BY = 'larder/asked-by';
export const UPSTREAM = 'upstream';

/** What the metadata of a cache's objects are made of. */
export type CacheIdentity = Pick<CacheValues, 'namespace' | 'askedBy'> & { readonly cache: NamedCache };

/** An object of a cache, with what all of them have in common. */
export function cacheObject<const T extends { apiVersion: string; kind: string }>(
  values: CacheIdentity,
  name: string,
  rest: T,
): T & KubeObject {
  const { labels } = identityOf(values);
  const annotations = { [UPSTREAM]: values.cache.upstream, [ASKED_BY]: values.askedBy };
  return { ...rest, metadata: { name, namespace: values.namespace, labels, annotations } };
}
