import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { configId } from '../cluster/config-id.ts';
import { ASKED_BY, hasOurLabel, UPSTREAM } from '../cluster/marks.ts';
import { BY_CACHE, type Watched } from '../cluster/watched.ts';

/** Where the objects are that the operator applies for caches. */
export type WatchedObjects = Pick<Watched, (typeof BY_KIND)[keyof typeof BY_KIND]>;

/** An object of a cache as the cluster has it; undefined for what is not there, or is not watched. */
export function existing(watched: WatchedObjects, { kind, metadata }: KubeObject): KubeObject | undefined {
  const cache = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind as keyof typeof BY_KIND] : undefined;
  return cache === undefined ? undefined : watched[cache].get(metadata);
}

/** Every object of the cache `key` that the operator applies, whoever asked for it; the one that runs it comes first. */
export function allExisting(watched: WatchedObjects, key: string): readonly KubeObject[] {
  return Object.values(BY_KIND).flatMap((cache): readonly KubeObject[] =>
    watched[cache].byIndex(BY_CACHE, key),
  );
}

/** Every object of a cache that the operator has applied on behalf of `id`. */
export function allAskedBy(watched: WatchedObjects, id: string): readonly KubeObject[] {
  return Object.values(BY_KIND)
    .flatMap((cache): readonly KubeObject[] => watched[cache].list())
    .filter((object) => askerOf(object) === id);
}

/** Whether the operator made it, also when somebody has taken its label off. */
export function isOurs({ metadata: { labels = {}, annotations = {} } }: KubeObject): boolean {
  return annotations[ASKED_BY] !== undefined || hasOurLabel(labels);
}

/** Who asked for it; undefined for what is of no cache. */
export function askerOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[ASKED_BY];
}

/** The upstream whose cache it is part of; undefined for what is of no cache. */
export function upstreamOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[UPSTREAM];
}

/** A cache, and the object that owns it. */
export interface OwnedCache {
  readonly config: { readonly upstream: string };
  readonly holder: KubeObject;
}

/**
 * Whether what stands of a cache is another's than the planned one: of another object, or of another upstream that comes to the same key. Nothing
 * of a cache is made before all of the one before has gone, so where some objects name the planned one and others do not, somebody has changed
 * these. What names nobody any more says nothing.
 */
export function isAnothers(
  objects: readonly KubeObject[],
  { config: { upstream }, holder }: OwnedCache,
): boolean {
  const id = configId(holder);
  return (
    objects.some((one) => (askerOf(one) ?? id) !== id || (upstreamOf(one) ?? upstream) !== upstream) &&
    !objects.some((one) => askerOf(one) === id && upstreamOf(one) === upstream)
  );
}

/**
 * Whether a Service is that of another cache than `key`. One cache may be given the name that another has still; all other names follow from
 * the key. Of one whose label and upstream do not agree somebody has changed one of them.
 */
export function isServiceOfAnother(service: KubeObject, key: string): boolean {
  const upstream = upstreamOf(service);
  return (
    upstream !== undefined &&
    upstreamResourceName(upstream) !== key &&
    service.metadata.labels?.['app'] !== key
  );
}

const BY_KIND = {
  StatefulSet: 'statefulSets',
  PodDisruptionBudget: 'disruptionBudgets',
  NetworkPolicy: 'networkPolicies',
  Service: 'services',
  ConfigMap: 'configMaps',
  Secret: 'secrets',
} as const satisfies Record<string, keyof Watched>;
