import type { Clock } from '../kit/clock.ts';
import { createAdminListener } from '../kit/admin/admin-listener.ts';
import { drain, formatAddress, listen, type Address } from '../kit/listen.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareKubeMetrics, type KubeMetrics } from '../kube/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createKubeClient, KUBE_CLIENT_LIMITS, type ClosableKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { createController } from '../kube/controller/controller.ts';
import { createEventRecorder } from '../kube/events/recorder.ts';
import { createElector } from '../kube/leader-election/elector.ts';
import type { Leadership } from '../kube/leader-election/leadership.ts';
import { createApplier } from '../kube/objects/apply.ts';
import { createFinalizer } from '../kube/objects/finalizers.ts';
import { createStatusWriter } from '../kube/objects/status.ts';
import { createAuthorityKeeper } from './authority/authority-keeper.ts';
import { createCacheStates } from './caches/cache-states.ts';
import { createCacheReconciler } from './caches/cache-reconciler.ts';
import { createDrainTracker } from './nodes/drain-tracker.ts';
import { createCacheProvider, type CacheSettings } from './caches/provide-cache.ts';
import { createCacheRemover } from './caches/remove-cache.ts';
import { createCertificateRenewal } from './caches/renew-certificate.ts';
import { createUnusedRetirer } from './caches/retire-unused.ts';
import { createServiceMonitorKind } from './caches/service-monitors.ts';
import { createExistingUpstreams } from './configs/existing-upstreams.ts';
import { createLastValid } from './configs/last-valid.ts';
import { createPlanner } from './configs/planner.ts';
import { createNodeDocumentView } from './cluster/node-document-view.ts';
import { createNodeProblems } from './nodes/node-problems.ts';
import { createNodesReconciler } from './nodes/nodes-reconciler.ts';
import { createPublishedDocument } from './nodes/published-document.ts';
import { createNamedSecrets } from './cluster/named-secrets.ts';
import { createTriggers } from './triggers.ts';
import { createObjectReconciler } from './status/object-reconciler.ts';
import { createLeaderWarmUp } from './status/leader-warm-up.ts';
import { createStatsPoller } from './status/stats-poller.ts';
import { createStatusComposer } from './status/status-composer.ts';
import { watchCluster } from './cluster/watched.ts';
import { work } from './work.ts';

/** Keeps objects from going before their caches have. */
export const FINALIZER = 'larder/operator';
export const LEASE_NAME = 'larder-operator';

/** As the Gardener extension (its `app.go`): 200 objects that come at once are there in a minute, and at rest it is one call in 2 s. */
const RATE = { perSecond: 100, burst: 130 };

/** Caches, and objects, that are worked on at a time: a reconcile waits for the API server most of its time. */
const WORKERS = 4;

export interface OperatorSettings extends CacheSettings {
  /** Name of the DaemonSet of the node agents: how many nodes there should be. */
  readonly nodeAgent: string;
  /** Of this process alone. */
  readonly identity: string;
  readonly adminAddress: Address;
  readonly version: string;
}

export interface OperatorDeps {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export interface RunningOperator {
  readonly adminUrl: string;
  /**
   * Resolves when the work has ended after {@link RunningOperator.stop}; rejects with `LEADERSHIP_LOST` when another works now: the
   * program is to end then.
   */
  readonly ended: Promise<void>;
  /** Running reconciles end, the lease is given back, everything is closed. */
  stop(): Promise<void>;
}

/** The object graph of `larder operator`. Resolves when its admin listener listens. Throws `ADDRESS_IN_USE`, with nothing left open. */
export async function startOperator(
  deps: OperatorDeps,
  settings: OperatorSettings,
): Promise<RunningOperator> {
  const { clock, logger, random } = deps;
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(logger);
  await using cleanup = new AsyncDisposableStack();
  let leadership: Leadership | undefined;
  const beforeWrite = (): void => {
    if (leadership === undefined) throw new LarderError('LEADERSHIP_LOST', 'this process does not lead yet');
    leadership.assertLive();
  };
  const client = cleanup.adopt(clientOf(deps, metrics, settings, beforeWrite), (one) => one.close());
  // Its renewals wait for nobody else's calls.
  const electionClient = cleanup.adopt(clientOf(deps, metrics, settings), (one) => one.close());
  cleanup.defer(() => tasks.close());

  const watched = watchCluster({ client, clock, logger, metrics, random, tasks }, settings);
  const { controllers, background } = createControllers(
    { ...deps, client, metrics, tasks, watched },
    settings,
  );
  const admin = createAdminListener({ metrics, logger, ready: () => watched.hasSynced() });
  const address = await listen(admin, settings.adminAddress, '--admin-address');
  cleanup.defer(() => drain(admin, () => 0, clock, 0));

  const stopping = new AbortController();
  const elector = createElector(
    { client: electionClient, clock, logger, metrics, random },
    { lease: { namespace: settings.namespace, name: LEASE_NAME }, identity: settings.identity },
  );
  const ended = elector.lead((now) => {
    leadership = now;
    return work(controllers, background, stopping.signal, now);
  }, stopping.signal);
  // Who asks for it later is told; until then it is nobody's failure.
  ended.catch(() => {});

  const owned = cleanup.move();
  return {
    adminUrl: `http://${formatAddress(address)}`,
    ended,
    async stop() {
      stopping.abort();
      await ended.catch(() => {});
      await owned.disposeAsync();
    },
  };
}

function clientOf(
  { connection, clock }: OperatorDeps,
  metrics: KubeMetrics,
  { version }: OperatorSettings,
  beforeWrite?: () => void,
): ClosableKubeClient {
  const limits = { ...KUBE_CLIENT_LIMITS, rate: RATE };
  return createKubeClient(
    { connection, clock, metrics, ...(beforeWrite !== undefined && { beforeWrite }) },
    { userAgent: `larder/${version} (operator)`, limits },
  );
}

interface ControllersDeps extends Omit<OperatorDeps, 'connection'> {
  readonly client: ClosableKubeClient;
  readonly metrics: KubeMetrics;
  readonly tasks: TaskGroup;
  readonly watched: ReturnType<typeof watchCluster>;
}

function createControllers(deps: ControllersDeps, settings: OperatorSettings) {
  const { client, clock, watched } = deps;
  const finalizer = createFinalizer(client, FINALIZER);
  const applier = createApplier(client, { fieldManager: 'larder/operator', force: true });
  const secrets = createNamedSecrets(client, watched);
  const facts = createCacheStates();
  const document = createNodeDocumentView(watched, settings);
  const told = createPublishedDocument();
  const nodeProblems = createNodeProblems();
  const existingUpstreams = createExistingUpstreams(watched, document);
  const planner = createPlanner({
    watched,
    finalizer,
    existingUpstreams,
    lastValid: createLastValid(watched),
  });
  const plan = () => planner.plan();
  const keeper = createAuthorityKeeper({ client, clock }, settings);
  const serviceMonitors = createServiceMonitorKind(watched.serviceMonitorCrd);
  const stats = createStatsPoller({ clock, watched, plan, namespace: settings.namespace });
  const sources = createTriggers({
    watched,
    planner,
    authority: keeper,
    facts,
    stats,
    serviceMonitors,
    told,
    nodeProblems,
    namespace: settings.namespace,
  });

  const provide = createCacheProvider(
    { client, clock, applier, watched, secrets, serviceMonitors },
    settings,
  );
  const patience = () => createDrainTracker({ clock, watched, document });
  const remove = createCacheRemover(
    { client, watched, document, patience: patience(), serviceMonitors },
    settings,
  );
  const retire = createUnusedRetirer({ client, watched, document, patience: patience() }, settings);
  const renewCertificate = createCertificateRenewal({ client, clock, applier, watched }, settings);
  const composer = createStatusComposer(
    { clock, watched, planner, facts, stats: (key) => stats.get(key), document, told, nodeProblems, secrets },
    settings,
  );
  const events = createEventRecorder(deps, {
    reportingController: 'larder/operator',
    reportingInstance: settings.identity,
  });
  const writer = createStatusWriter({ client, clock }, { fieldManager: 'larder/operator-status' });

  const controllers = [
    createController(deps, {
      name: 'authority',
      sources: sources.authorities,
      reconcile: keeper.reconcile,
    }),
    createController(deps, {
      name: 'caches',
      sources: sources.caches,
      workers: WORKERS,
      reconcile: createCacheReconciler(
        { client, watched, plan, authority: keeper, facts, provide, retire, renewCertificate, remove },
        settings,
      ),
    }),
    createController(deps, {
      name: 'nodes',
      sources: sources.nodes,
      reconcile: createNodesReconciler(
        {
          client,
          clock,
          applier,
          watched,
          plan,
          authority: keeper,
          secrets,
          document,
          problems: nodeProblems,
          published: told,
        },
        settings,
      ),
    }),
    createController(deps, {
      name: 'objects',
      sources: sources.objects,
      workers: WORKERS,
      reconcile: createObjectReconciler({
        watched,
        planner,
        existingUpstreams,
        finalizer,
        writer,
        events,
        patienceMs: createLeaderWarmUp(
          { clock, watched, planner, facts, stats, told, nodeProblems },
          settings,
        ),
        statusOf: composer,
      }),
    }),
  ];
  return { controllers, background: (signal: AbortSignal) => stats.run(signal) };
}
