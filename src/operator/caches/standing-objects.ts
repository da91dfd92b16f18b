import type { KubeObject } from '../../kube/types.ts';
import { ASKED_BY, hasOurLabel } from '../render/identity.ts';
import { BY_CACHE, type Watched } from '../watched.ts';

/** An object of a cache as the cluster has it; undefined for what is not there, or is not watched. */
export function standing(watched: Watched, { kind, metadata }: KubeObject): KubeObject | undefined {
  const cache = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind as keyof typeof BY_KIND] : undefined;
  return cache === undefined ? undefined : watched[cache].get(metadata);
}

/** Every object of the cache `key` that the operator applies, whoever asked for it; the one that runs it comes first. */
export function allStanding(watched: Watched, key: string): readonly KubeObject[] {
  return Object.values(BY_KIND).flatMap((cache): readonly KubeObject[] =>
    watched[cache].byIndex(BY_CACHE, key),
  );
}

/** Every object of a cache that the operator has applied on behalf of `id`. */
export function allAskedBy(watched: Watched, id: string): readonly KubeObject[] {
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

const BY_KIND = {
  StatefulSet: 'statefulSets',
  PodDisruptionBudget: 'disruptionBudgets',
  NetworkPolicy: 'networkPolicies',
  Service: 'services',
  ConfigMap: 'configMaps',
  Secret: 'secrets',
} as const satisfies Record<string, keyof Watched>;
