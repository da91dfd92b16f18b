import type { CacheDocument } from '../../api/registry-config/schema.ts';
import type { KubeObject } from '../../kube/types.ts';
import { PORTS } from '../../operator/render/cache-names.ts';
import { POD_LABEL, SHOOT_NAMESPACE, shootNamesOf, shootObject } from './shoot-names.ts';
import { CACHE_CONTAINER } from './stateful-set.ts';

type ObjectWithSpec = KubeObject & { readonly spec: object };

/** Opens both ports of all caches to everyone, containerd on the nodes included. One object, however many caches there are. */
export function shootNetworkPolicy(): ObjectWithSpec {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: 'gardener.cloud--allow-registry-cache',
      namespace: SHOOT_NAMESPACE,
      annotations: {
        'gardener.cloud/description': 'Allows registry cache to be reachable via its server and debug ports.',
      },
    },
    spec: {
      podSelector: { matchLabels: POD_LABEL },
      policyTypes: ['Ingress'],
      ingress: [{ ports: Object.values(PORTS).map((port) => ({ port, protocol: 'TCP' })) }],
    },
  };
}

/** Keeps one replica of a highly available cache while nodes are drained. */
export function shootDisruptionBudget(cache: CacheDocument): ObjectWithSpec {
  return shootObject(cache, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: shootNamesOf(cache).labels },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
}

/** Lets the requests of a cache follow its use, in a shoot with the vertical autoscaler. */
export function shootAutoscaler(cache: CacheDocument): ObjectWithSpec {
  const { name } = shootNamesOf(cache);
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name, namespace: SHOOT_NAMESPACE },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name },
      updatePolicy: { updateMode: 'InPlaceOrRecreate' },
      resourcePolicy: {
        containerPolicies: [
          {
            containerName: CACHE_CONTAINER,
            controlledValues: 'RequestsOnly',
            minAllowed: { memory: '20Mi' },
          },
          { containerName: '*', mode: 'Off' },
        ],
      },
    },
  };
}
