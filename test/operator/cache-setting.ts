/**
 * The reconcilers of caches and nodes in front of the API stand-in. They run when the test calls them, on a clock that the test moves, and
 * see the cluster through real watches.
 */
import { ManualClock, systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics } from '../../src/kube/metrics.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import type { ObjectStore } from '../../src/kube/informer/object-store.ts';
import { createApplier } from '../../src/kube/objects/apply.ts';
import type { NodeStatus } from '../../src/fleet/node-status.ts';
import { nodeLease } from '../../src/fleet/node-lease.ts';
import { createAuthorityKeeper } from '../../src/operator/authority/authority-keeper.ts';
import { createCacheStates } from '../../src/operator/caches/cache-states.ts';
import { createCacheReconciler } from '../../src/operator/caches/cache-reconciler.ts';
import { makePlan } from '../../src/operator/configs/plan.ts';
import { readConfig, type ConfigObject } from '../../src/operator/configs/read-config.ts';
import { createNodeDocumentView } from '../../src/operator/cluster/node-document-view.ts';
import { createNodesReconciler } from '../../src/operator/nodes/nodes-reconciler.ts';
import { createNodeProblems } from '../../src/operator/nodes/node-problems.ts';
import { createPublishedDocument } from '../../src/operator/nodes/published-document.ts';
import { createNamedSecrets } from '../../src/operator/cluster/named-secrets.ts';
import { NOTHING_TRUSTED } from '../../src/operator/secrets/trusted-ca.ts';
import { watchCluster } from '../../src/operator/cluster/watched.ts';
import { startApi } from '../kube/api-server.ts';
import type { StoredObject } from '../kube/api-store.ts';
import { realTimeClientOf } from '../kube/client.ts';

/** Namespace of the operator. */
export const SYSTEM = 'larder-system';
/** More than the time between two node documents. */
const PAUSE_MS = 3_000;

/** Starts the setting. Disposing it stops it. */
export async function startCacheSetting() {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await startApi());
  const client = cleanup.use(realTimeClientOf(api, systemClock));
  const clock = new ManualClock();
  const tasks = new TaskGroup(silentLogger);
  cleanup.defer(() => tasks.close());
  giveAddresses(api);

  const watched = watchCluster(
    {
      client,
      clock: systemClock,
      logger: silentLogger,
      metrics: declareKubeMetrics(createMetricsRegistry()),
      random: () => 0.5,
      tasks,
    },
    { namespace: SYSTEM, nodeAgent: 'larder-node-agent' },
  );
  const { signal } = tasks;
  const settings = {
    namespace: SYSTEM,
    image: 'larder.example/larder:1',
    imagePullSecrets: [],
    priorityClassName: undefined,
    claimRetention: 'Delete',
    relayUrl: 'https://127.0.0.1:5010',
    serviceAccountName: 'default',
    podLabels: {},
    objectLabels: {},
    tolerations: [],
    nodeSelector: {},
    serviceMonitorLabels: {},
  } as const;
  const serviceMonitors = { isServed: () => false };
  const applier = createApplier(client, { fieldManager: 'larder/operator', force: true });
  const secrets = createNamedSecrets(client, watched);
  const document = createNodeDocumentView(watched, settings);
  const states = createCacheStates();
  const trustedCa = { get: () => NOTHING_TRUSTED };
  const authority = createAuthorityKeeper({ client, clock }, settings);
  let objects: readonly ConfigObject[] = [];
  const plan = () =>
    makePlan({
      objects,
      specOf: readConfig,
      existingUpstreams: () => [],
      lastValid: () => [],
      mayAct: () => true,
    });
  const reconcileCache = createCacheReconciler(
    {
      client,
      clock,
      applier,
      watched,
      plan,
      authority,
      secrets,
      document,
      serviceMonitors,
      states,
      trustedCa,
    },
    settings,
  );
  const reconcileNodes = createNodesReconciler(
    {
      client,
      clock,
      applier,
      watched,
      plan,
      authority,
      secrets,
      document,
      published: createPublishedDocument(),
      problems: createNodeProblems(),
    },
    settings,
  );
  const context = { signal, logger: silentLogger };

  /** Waits until every watch has caught up with the server. */
  async function seeAll(): Promise<void> {
    await watched.whenSynced(signal);
    api.bookmark();
    const caches = Object.values(watched).filter((one) => typeof one === 'object') as ObjectStore<unknown>[];
    await Promise.all(caches.map((one) => one.waitForVersion(String(api.store.version), signal)));
  }

  const disposables = cleanup.move();
  return {
    api,
    clock,
    states,
    document,
    seeAll,
    /** From now on one object names these caches; without arguments there is no object. */
    ask(...caches: readonly object[]): void {
      const spec = { caches };
      const metadata = { namespace: 'team', name: 'hub', creationTimestamp: '2026-01-01T00:00:00Z' };
      const common = { apiVersion: 'registry.extensions.gardener.cloud/v1alpha3', kind: 'RegistryConfig' };
      objects = caches.length === 0 ? [] : [{ ...common, metadata, spec }];
    },
    /** Reconciles one cache once, after every watch has caught up. Returns the result. */
    async reconcile(key: string) {
      await seeAll();
      await authority.reconcile('', context);
      await seeAll();
      return reconcileCache(key, context);
    },
    /** Publishes the node document. */
    async publishDocument(): Promise<void> {
      await seeAll();
      clock.advance(PAUSE_MS);
      await reconcileNodes('', context);
      await seeAll();
    },
    /** Writes the report of a node. */
    report(node: string, status: Pick<NodeStatus, 'revision'>, ...upstreams: readonly string[]): void {
      const states = upstreams.map((upstream) => ({ upstream, state: 'Ready' as const, message: '' }));
      const all: NodeStatus = { ...status, containerd: { state: 'Set', message: '' }, upstreams: states };
      api.put('coordination.k8s.io/v1/leases', {
        ...nodeLease({ node, status: all, renewedAt: clock.now() }, SYSTEM, undefined),
      } as Parameters<typeof api.put>[1]);
    },
    /** Returns an object of the operator's namespace. */
    held(collection: string, name: string): StoredObject | undefined {
      return api.store.find({ collection, namespace: SYSTEM, name });
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

/** Gives every Service an address of its own, as the API server does. */
function giveAddresses(api: Awaited<ReturnType<typeof startApi>>): void {
  let given = 0;
  api.store.onChange(({ collection, object, isDeletion }) => {
    const spec = object['spec'] as { clusterIP?: string } | undefined;
    if (collection !== 'v1/services' || isDeletion || spec?.clusterIP !== undefined) return;
    given += 1;
    const { resourceVersion: _, ...metadata } = object.metadata;
    api.put(collection, { ...object, metadata, spec: { ...spec, clusterIP: `10.96.0.${given}` } });
  });
}
