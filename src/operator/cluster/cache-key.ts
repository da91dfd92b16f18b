import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import type { KubeObject } from '../../kube/types.ts';
import { UPSTREAM_ANNOTATION } from './marks.ts';

/** Name of the informer index that maps the key of a registry cache to its Kubernetes objects. */
export const BY_CACHE = 'cache';

/**
 * Keys of the caches that one of our objects belongs to: one or none. The upstream annotation and the `app` label disagree only if one of
 * them was edited by hand. Then the name of the object decides, or the label if the name fits both or neither.
 */
export function cacheKeysOf({ metadata }: KubeObject): readonly string[] {
  const upstream = metadata.annotations?.[UPSTREAM_ANNOTATION];
  // Pods have the labels of their StatefulSet, but not its annotations.
  const app = metadata.labels?.['app'];
  const named = upstream === undefined ? app : upstreamResourceName(upstream);
  if (named === undefined) return [];
  if (app === undefined || app === named) return [named];
  const isNamedAfter = (key: string): boolean => `${metadata.name}-`.startsWith(`${key}-`);
  return [isNamedAfter(named) && !isNamedAfter(app) ? named : app];
}
