import type { Clock } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import { upstreamResourceName } from '../../api/rules/upstream-names.ts';
import { createObjectStore, type ObjectStore } from '../../kube/informer/object-store.ts';
import { createReflector } from '../../kube/informer/reflector.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient, KubeObject, ListQuery, Resource } from '../../kube/types.ts';
import { LEASES, type Lease } from '../../kube/leader-election/lease.ts';
import { NODE_STATUS } from '../../fleet/node-lease.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../kube/objects/config-maps.ts';
import { readAgentPod, type AgentPod } from './agent-pod.ts';
import { readReport, type NodeReport } from './node-report.ts';
import { hasOurLabel, NOT_OURS, OURS, UPSTREAM } from './marks.ts';
import {
  CLAIMS,
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
  isEstablished,
  type Claim,
  type Crd,
  type DaemonSet,
  type MirrorConfigObject,
  type Pod,
  type RegistryConfigObject,
  type Service,
  type StatefulSet,
} from './resources.ts';

/** What the operator knows of the cluster, a moment ago. */
export interface Watched {
  readonly registryConfigs: ObjectStore<RegistryConfigObject>;
  readonly mirrorConfigs: ObjectStore<MirrorConfigObject>;
  /** Of all namespaces, without their contents. */
  readonly secrets: ObjectStore<KubeObject>;
  readonly statefulSets: ObjectStore<StatefulSet>;
  readonly services: ObjectStore<Service>;
  readonly configMaps: ObjectStore<ConfigMap>;
  readonly networkPolicies: ObjectStore<KubeObject>;
  readonly disruptionBudgets: ObjectStore<KubeObject>;
  readonly claims: ObjectStore<Claim>;
  readonly pods: ObjectStore<Pod>;
  readonly reports: ObjectStore<NodeReport>;
  /** Pods of the operator's namespace that are no cache's: those of the node agents are among them. */
  readonly agentPods: ObjectStore<AgentPod>;
  readonly daemonSets: ObjectStore<DaemonSet>;
  /** Of the CRD of ServiceMonitors, where there is one: whether it is established. */
  readonly serviceMonitorCrd: ObjectStore<boolean>;
  /** Resolves when the first state of all of them is in. */
  whenSynced(signal: AbortSignal): Promise<void>;
  hasSynced(): boolean;
}

/** Of an object of a cache: where caches of objects of caches find it by the key of the cache. */
export const BY_CACHE = 'cache';

export interface WatchedDeps {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  readonly random: () => number;
  readonly tasks: TaskGroup;
}

/** Starts to watch, for as long as the task group lives. `namespace` is the operator's own. */
export function watchCluster(
  deps: WatchedDeps,
  { namespace, nodeAgent }: { readonly namespace: string; readonly nodeAgent: string },
): Watched {
  const all: ObjectStore<unknown>[] = [];

  function watch<S extends KubeObject, T = S>(
    resource: Resource<S>,
    query: ListQuery,
    options: Parameters<typeof createObjectStore<S, T>>[1] = {},
  ): ObjectStore<T> {
    const { store: cache, writer } = createObjectStore<S, T>(deps, options);
    const reflector = createReflector(deps, { resource, query }, writer);
    deps.tasks.run(`watch ${resource.plural}`, (signal) => reflector.run(signal));
    all.push(cache);
    return cache;
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
    claims: watch(CLAIMS, ours, byCache),
    pods: watch(PODS, ours, { ...byCache, transform: withoutManagedFields }),
    reports: watch<Lease, NodeReport>(
      LEASES,
      { namespace, labelSelector: `${NODE_STATUS}=true` },
      { transform: readReport },
    ),
    agentPods: watch<Pod, AgentPod>(
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
    async whenSynced(signal) {
      await Promise.all(all.map((cache) => cache.whenSynced(signal)));
    },
    hasSynced: () => all.every((cache) => cache.hasSynced()),
  };
}

/**
 * The keys of the caches that an object of ours is part of: one, or none. Where its upstream and its label name two, somebody has changed one of
 * them: its name tells which, and the label where it does not.
 */
export function cacheKeysOf({ metadata }: KubeObject): readonly string[] {
  const upstream = metadata.annotations?.[UPSTREAM];
  // Pods have the labels of their StatefulSet, not its annotations.
  const app = metadata.labels?.['app'];
  const named = upstream === undefined ? app : upstreamResourceName(upstream);
  if (named === undefined) return [];
  if (app === undefined || app === named) return [named];
  const isCalledAfter = (key: string): boolean => `${metadata.name}-`.startsWith(`${key}-`);
  return [isCalledAfter(named) && !isCalledAfter(app) ? named : app];
}

function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}

/**
 * Which object in which state, and whose: outside of `home` nothing is ours, whatever a Secret there says of itself. Other annotations stay
 * out: that of `kubectl apply` holds the contents of a Secret.
 */
function identityOnly({ apiVersion, kind, metadata }: KubeObject, home: string): KubeObject {
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    labels = {},
    annotations = {},
    deletionTimestamp,
  } = metadata;
  const isOurs = namespace === home && hasOurLabel(labels);
  const own = isOurs ? Object.entries(annotations) : [];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(isOurs && { labels }),
      annotations: Object.fromEntries(own.filter(([key]) => key === UPSTREAM || key.startsWith('larder/'))),
    },
  };
}
