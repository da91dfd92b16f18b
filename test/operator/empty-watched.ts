/** The watched objects of a cluster that is empty but for what a test writes. */
import { silentLogger } from '../../src/kit/logger.ts';
import { createObjectStore } from '../../src/kube/informer/object-store.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { ConfigMap } from '../../src/kube/objects/config-maps.ts';
import type { AgentPod } from '../../src/operator/cluster/agent-pod.ts';
import type { StoredReport } from '../../src/operator/cluster/node-report.ts';
import type { VolumeClaim, Service } from '../../src/operator/cluster/resources.ts';
import { BY_CACHE, cacheKeysOf } from '../../src/operator/cluster/cache-key.ts';
import type { Watched } from '../../src/operator/cluster/watched.ts';

/** Returns the stores, with writers for the kinds that tests write. */
export function emptyWatched() {
  const { store: statefulSets, writer: sets } = caches<KubeObject>();
  const { store: services, writer: addresses } = caches<Service>();
  const { store: claims, writer: volumes } = caches<VolumeClaim>();
  const none = caches<KubeObject>().store;
  const watched: Watched = {
    registryConfigs: none,
    mirrorConfigs: none,
    daemonSets: none,
    otherPods: createObjectStore<KubeObject, AgentPod>({ logger: silentLogger }).store,
    taken: undefined,
    trustedCa: undefined,
    serviceMonitorCrd: createObjectStore<KubeObject, boolean>({ logger: silentLogger }).store,
    whenSynced: () => Promise.resolve(),
    hasSynced: () => true,
    statefulSets,
    disruptionBudgets: none,
    networkPolicies: none,
    services,
    configMaps: caches<ConfigMap>().store,
    secrets: none,
    pods: none,
    volumeClaims: claims,
    reports: createObjectStore<KubeObject, StoredReport>({ logger: silentLogger }).store,
  };
  return { watched, statefulSets: sets, services: addresses, claims: volumes };
}

function caches<T extends KubeObject>() {
  return createObjectStore<T>({ logger: silentLogger }, { indexes: { [BY_CACHE]: cacheKeysOf } });
}
