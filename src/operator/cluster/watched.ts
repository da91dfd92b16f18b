import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import { createObjectStore, type ObjectStore } from '../../kube/informer/object-store.ts';
import { createReflector } from '../../kube/informer/reflector.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ListQuery, ObjectKey, Resource } from '../../kube/types.ts';
import { LEASES, type Lease } from '../../kube/leader-election/lease.ts';
import { NODE_STATUS } from '../../fleet/node-lease.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { readAgentPod, type AgentPod } from './agent-pod.ts';
import { readReport, type StoredReport } from './node-report.ts';
import { BY_CACHE, cacheKeysOf } from './cache-key.ts';
import { NOT_OURS, OURS } from './marks.ts';
import { identityOnly, withoutManagedFields } from './trim-object.ts';
import {
  CRDS,
  DAEMON_SETS,
  DISRUPTION_BUDGETS,
  MIRROR_CONFIGS,
  NETWORK_POLICIES,
  PODS,
  REGISTRY_CONFIGS,
  SECRETS,
  SERVICE_MONITOR_CRD,
  SERVICES,
  STATEFUL_SETS,
  VOLUME_CLAIMS,
  isEstablished,
  type Crd,
  type DaemonSet,
  type MirrorConfigObject,
  type Pod,
  type RegistryConfigObject,
  type Service,
  type StatefulSet,
  type VolumeClaim,
} from './resources.ts';

/** Object stores with the state of the cluster as last observed. It lags behind the API server by moments. */
export interface Watched {
  readonly registryConfigs: ObjectStore<RegistryConfigObject>;
  readonly mirrorConfigs: ObjectStore<MirrorConfigObject>;
  /** Secrets of all namespaces, metadata only. */
  readonly secrets: ObjectStore<KubeObject>;
  readonly statefulSets: ObjectStore<StatefulSet>;
  readonly services: ObjectStore<Service>;
  readonly configMaps: ObjectStore<ConfigMap>;
  readonly networkPolicies: ObjectStore<KubeObject>;
  readonly disruptionBudgets: ObjectStore<KubeObject>;
  readonly volumeClaims: ObjectStore<VolumeClaim>;
  readonly pods: ObjectStore<Pod>;
  readonly reports: ObjectStore<StoredReport>;
  /** Pods of the operator's namespace that do not belong to a cache. The pods of the node agents are among them. */
  readonly otherPods: ObjectStore<AgentPod>;
  readonly daemonSets: ObjectStore<DaemonSet>;
  /** Holds the CRD of ServiceMonitors if the cluster has it; true once it is established. */
  readonly serviceMonitorCrd: ObjectStore<boolean>;
  /** Holds the ConfigMap with the upstreams that are taken; undefined if there is none to follow. */
  readonly taken: ObjectStore<ConfigMap> | undefined;
  /** Holds the ConfigMap with CA certificates for all caches; undefined if there is none to follow. */
  readonly trustedCa: ObjectStore<ConfigMap> | undefined;
  /** Resolves when every store has its first list. */
  whenSynced(signal: AbortSignal): Promise<void>;
  hasSynced(): boolean;
}

export interface WatchedDeps {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  readonly random: () => number;
  readonly tasks: TaskGroup;
}

export interface WatchedSettings {
  readonly namespace: string;
  readonly nodeAgent: string;
  /** Name of the ConfigMap with the upstreams that are taken. */
  readonly takenUpstreams?: string | undefined;
  /** The ConfigMap with CA certificates for all caches, of any namespace. */
  readonly trustedCa?: ObjectKey | undefined;
}

/** Starts all watches. They end with the task group. `namespace` is the operator's own. */
export function watchCluster(
  deps: WatchedDeps,
  { namespace, nodeAgent, takenUpstreams, trustedCa }: WatchedSettings,
): Watched {
  const all: ObjectStore<unknown>[] = [];

  function watch<S extends KubeObject, T = S>(
    resource: Resource<S>,
    query: ListQuery,
    options: Parameters<typeof createObjectStore<S, T>>[1] = {},
  ): ObjectStore<T> {
    const { store, writer } = createObjectStore<S, T>(deps, options);
    const reflector = createReflector(deps, { resource, query }, writer);
    deps.tasks.run(`watch ${resource.plural}`, (signal) => reflector.run(signal));
    all.push(store);
    return store;
  }

  const ours: ListQuery = { namespace, labelSelector: OURS };
  const byCache = { indexes: { [BY_CACHE]: cacheKeysOf } };
  const identity = { ...byCache, transform: (object: KubeObject) => identityOnly(object, namespace) };
  return {
    registryConfigs: watch(REGISTRY_CONFIGS, {}, { transform: withoutManagedFields }),
    mirrorConfigs: watch(MIRROR_CONFIGS, {}, { transform: withoutManagedFields }),
    secrets: watch(metadataOf(SECRETS), {}, identity),
    statefulSets: watch(STATEFUL_SETS, ours, byCache),
    services: watch(SERVICES, ours, byCache),
    configMaps: watch(CONFIG_MAPS, ours, byCache),
    networkPolicies: watch<KubeObject>(NETWORK_POLICIES, ours, identity),
    disruptionBudgets: watch<KubeObject>(DISRUPTION_BUDGETS, ours, identity),
    volumeClaims: watch(VOLUME_CLAIMS, ours, byCache),
    pods: watch(PODS, ours, { ...byCache, transform: withoutManagedFields }),
    reports: watch<Lease, StoredReport>(
      LEASES,
      { namespace, labelSelector: `${NODE_STATUS}=true` },
      { transform: readReport },
    ),
    otherPods: watch<Pod, AgentPod>(
      PODS,
      { namespace, labelSelector: NOT_OURS },
      { transform: readAgentPod },
    ),
    daemonSets: watch(DAEMON_SETS, { namespace, fieldSelector: `metadata.name=${nodeAgent}` }),
    serviceMonitorCrd: watch<Crd, boolean>(
      CRDS,
      { fieldSelector: `metadata.name=${SERVICE_MONITOR_CRD}` },
      { transform: isEstablished },
    ),
    taken:
      takenUpstreams === undefined
        ? undefined
        : watch(CONFIG_MAPS, { namespace, fieldSelector: `metadata.name=${takenUpstreams}` }),
    trustedCa:
      trustedCa === undefined
        ? undefined
        : watch(CONFIG_MAPS, {
            namespace: trustedCa.namespace,
            fieldSelector: `metadata.name=${trustedCa.name}`,
          }),
    async whenSynced(signal) {
      await Promise.all(all.map((store) => store.whenSynced(signal)));
    },
    hasSynced: () => all.every((store) => store.hasSynced()),
  };
}
