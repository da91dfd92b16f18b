import { upstreamLabel, upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { serviceNameOf, type NamedCache } from '../../operator/render/cache-names.ts';
import type { KubeObject } from '../../kube/types.ts';

/** Namespace of all objects of the Shoot's own caches. */
export const SHOOT_NAMESPACE = 'kube-system';

/** Namespace of Larder in a shoot, with the caches of `RegistryConfig` objects. In `kube-system` their names would meet those of the Shoot's own caches. */
export const LARDER_NAMESPACE = 'larder-system';

/** Label of every pod of a cache, whatever its upstream. */
export const POD_LABEL = { 'app.kubernetes.io/name': 'registry-cache' } as const;

/** Names of the objects of one cache in a shoot. */
export interface ShootNames {
  /** Name, or begin of the name, of every object except the Service. */
  readonly name: string;
  readonly serviceName: string;
  /** Labels of every object, and the selector of the pods. Immutable in a StatefulSet. */
  readonly labels: Readonly<Record<'app' | 'upstream-host', string>>;
}

export function shootNamesOf(cache: NamedCache): ShootNames {
  const name = upstreamResourceName(cache.upstream);
  const labels = { app: name, 'upstream-host': upstreamLabel(cache.upstream) };
  return { name, serviceName: serviceNameOf(cache), labels };
}

/** Adds the metadata that the objects of a cache have in common. */
export function shootObject<const T extends { apiVersion: string; kind: string }>(
  cache: NamedCache,
  rest: T,
): T & KubeObject {
  const { name, labels } = shootNamesOf(cache);
  return { ...rest, metadata: { name, namespace: SHOOT_NAMESPACE, labels } };
}
