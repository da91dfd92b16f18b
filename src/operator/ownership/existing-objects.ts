import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { BY_CACHE } from '../cluster/cache-key.ts';
import { configId, type ConfigId } from '../cluster/config-id.ts';
import { hasOurLabel, OWNER_ANNOTATION, UPSTREAM_ANNOTATION } from '../cluster/marks.ts';
import type { Watched } from '../cluster/watched.ts';

/** Stores of the objects that the operator applies for caches. */
export type WatchedObjects = Pick<Watched, (typeof STORES)[keyof typeof STORES]>;

/** The observed object with the kind and name of `wanted`. Undefined if it does not exist or its kind is not watched. */
export function existingObject(watched: WatchedObjects, wanted: KubeObject): KubeObject | undefined {
  const { kind, metadata } = wanted;
  const store = Object.hasOwn(STORES, kind) ? STORES[kind as keyof typeof STORES] : undefined;
  return store === undefined ? undefined : watched[store].get(metadata);
}

/** All applied objects of the cache `key`, whichever owner they name. The StatefulSet comes first. */
export function objectsOfCache(watched: WatchedObjects, key: string): readonly KubeObject[] {
  return Object.values(STORES).flatMap((store): readonly KubeObject[] =>
    watched[store].byIndex(BY_CACHE, key),
  );
}

/** All applied objects of the caches that `owner` owns. */
export function objectsOfOwner(watched: WatchedObjects, owner: ConfigId): readonly KubeObject[] {
  return Object.values(STORES)
    .flatMap((store): readonly KubeObject[] => watched[store].list())
    .filter((object) => ownerOf(object) === owner);
}

/** True if the operator created the object, even if its label was taken off. */
export function isOurs({ metadata: { labels = {}, annotations = {} } }: KubeObject): boolean {
  return annotations[OWNER_ANNOTATION] !== undefined || hasOurLabel(labels);
}

/** The owner of the object's cache. Undefined for an object that belongs to no cache. */
export function ownerOf({ metadata }: KubeObject): ConfigId | undefined {
  return metadata.annotations?.[OWNER_ANNOTATION];
}

/** The upstream of the object's cache. Undefined for an object that belongs to no cache. */
export function upstreamOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[UPSTREAM_ANNOTATION];
}

export interface OwnedCache {
  readonly config: { readonly upstream: string };
  readonly owner: KubeObject;
}

/**
 * True if the existing objects belong to another owner, or to another upstream with the same key. A cache is created only after all of the
 * previous one is gone. So if at least one object names this owner and upstream, the others were edited by hand. Objects without an owner
 * are ignored.
 */
export function belongToAnother(
  objects: readonly KubeObject[],
  { config: { upstream }, owner }: OwnedCache,
): boolean {
  const id = configId(owner);
  return (
    objects.some((one) => (ownerOf(one) ?? id) !== id || (upstreamOf(one) ?? upstream) !== upstream) &&
    !objects.some((one) => ownerOf(one) === id && upstreamOf(one) === upstream)
  );
}

/**
 * True if a Service belongs to another cache than `key`. A cache may be configured with a Service name that another cache still has; all
 * other names follow from the key. If the label or the upstream fits `key`, the other one was edited by hand.
 */
export function isServiceOfAnotherCache(service: KubeObject, key: string): boolean {
  const upstream = upstreamOf(service);
  return (
    upstream !== undefined &&
    upstreamResourceName(upstream) !== key &&
    service.metadata.labels?.['app'] !== key
  );
}

const STORES = {
  StatefulSet: 'statefulSets',
  PodDisruptionBudget: 'disruptionBudgets',
  NetworkPolicy: 'networkPolicies',
  Service: 'services',
  ConfigMap: 'configMaps',
  Secret: 'secrets',
} as const satisfies Record<string, keyof Watched>;
