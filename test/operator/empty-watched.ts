/** What an operator knows of a cluster in which nothing is, but what a test writes. */
import { silentLogger } from '../../src/kit/logger.ts';
import { createObjectCache } from '../../src/kube/cache/object-cache.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { ConfigMap } from '../../src/node-agent/nodes-config-map.ts';
import type { AgentPod } from '../../src/operator/nodes/agent-pod.ts';
import type { NodeReport } from '../../src/operator/nodes/node-report.ts';
import type { Claim, Service } from '../../src/operator/resources.ts';
import { BY_CACHE, cacheKeysOf, type Watched } from '../../src/operator/watched.ts';

/** With the writers of the kinds that tests write. */
export function emptyWatched() {
  const { cache: statefulSets, writer: sets } = caches<KubeObject>();
  const { cache: services, writer: addresses } = caches<Service>();
  const { cache: claims, writer: volumes } = caches<Claim>();
  const none = caches<KubeObject>().cache;
  const watched: Watched = {
    registryConfigs: none,
    mirrorConfigs: none,
    daemonSets: none,
    agentPods: createObjectCache<KubeObject, AgentPod>({ logger: silentLogger }).cache,
    serviceMonitorCrd: createObjectCache<KubeObject, boolean>({ logger: silentLogger }).cache,
    whenSynced: () => Promise.resolve(),
    hasSynced: () => true,
    statefulSets,
    disruptionBudgets: none,
    networkPolicies: none,
    services,
    configMaps: caches<ConfigMap>().cache,
    secrets: none,
    pods: none,
    claims,
    reports: createObjectCache<KubeObject, NodeReport>({ logger: silentLogger }).cache,
  };
  return { watched, statefulSets: sets, services: addresses, claims: volumes };
}

function caches<T extends KubeObject>() {
  return createObjectCache<T>({ logger: silentLogger }, { indexes: { [BY_CACHE]: cacheKeysOf } });
}
