import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import { createController } from '../kube/controller/controller.ts';
import { createEventRecorder } from '../kube/events/recorder.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { createApplier } from '../kube/objects/apply.ts';
import { createFinalizer } from '../kube/objects/finalizers.ts';
import { createStatusWriter } from '../kube/objects/status.ts';
import type { KubeClient, ObjectKey } from '../kube/types.ts';
import { createAuthorityKeeper } from './authority/authority-keeper.ts';
import type { CacheSettings } from './caches/apply-objects.ts';
import { createCacheReconciler } from './caches/cache-reconciler.ts';
import { createCacheStates } from './caches/cache-states.ts';
import { createServiceMonitorKind } from './caches/service-monitors.ts';
import { createNamedSecrets } from './cluster/named-secrets.ts';
import { createNodeDocumentView } from './cluster/node-document-view.ts';
import type { Watched } from './cluster/watched.ts';
import { createExistingUpstreams } from './configs/existing-upstreams.ts';
import { FINALIZER } from './cluster/marks.ts';
import { createLastValid } from './configs/last-valid.ts';
import { createPlanner } from './configs/planner.ts';
import { createTakenView } from './configs/taken-view.ts';
import { createTrustedCa } from './secrets/trusted-ca.ts';
import { createNodeProblems } from './nodes/node-problems.ts';
import { createDrainTracker } from './nodes/drain-tracker.ts';
import { createFollowedRevision } from './nodes/followed-revision.ts';
import { createNodesReconciler } from './nodes/nodes-reconciler.ts';
import { createPublishedDocument } from './nodes/published-document.ts';
import { createLeaderWarmUp } from './status/leader-warm-up.ts';
import { createObjectReconciler } from './status/object-reconciler.ts';
import { createReportReconciler } from './status/report-reconciler.ts';
import { createStatsPoller } from './status/stats-poller.ts';
import { createStatusComposer } from './status/status-composer.ts';
import { createTriggers } from './triggers.ts';

/** Caches, and objects, reconciled at the same time. A reconcile spends most of its time waiting for the API server. */
const WORKERS = 4;

export interface ControllersSettings extends CacheSettings {
  /** Name of the DaemonSet of the node agents. Its status has the number of nodes. */
  readonly nodeAgent: string;
  /** Unique name of this process. */
  readonly identity: string;
  /** Name of the ConfigMap with the upstreams that no object can have. */
  readonly takenUpstreams?: string | undefined;
  /** The ConfigMap with CA certificates that all caches trust, of any namespace. */
  readonly trustedCa?: ObjectKey | undefined;
  /** An authority that was made before gets a successor. Milliseconds since the epoch. */
  readonly authorityNotBefore?: number | undefined;
  /** Name of the ConfigMap to report to. */
  readonly report?: string | undefined;
}

export interface ControllersDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  readonly random: () => number;
  readonly tasks: TaskGroup;
  readonly watched: Watched;
}

/** The controllers, each with its triggers and its reconcile, and the polling of the caches that runs beside them. */
export function createControllers(deps: ControllersDeps, settings: ControllersSettings) {
  const { client, clock } = deps;
  const parts = createParts(deps, settings);
  const triggers = createTriggers(parts, settings);
  const controllers = [
    createController(deps, {
      name: 'authority',
      sources: triggers.authority,
      reconcile: parts.authority.reconcile,
    }),
    createController(deps, {
      name: 'caches',
      sources: triggers.caches,
      workers: WORKERS,
      reconcile: createCacheReconciler(parts, settings),
    }),
    createController(deps, {
      name: 'nodes',
      sources: triggers.nodes,
      reconcile: createNodesReconciler({ ...parts, problems: parts.nodeProblems }, settings),
    }),
    createController(deps, {
      name: 'objects',
      sources: triggers.objects,
      workers: WORKERS,
      reconcile: createObjectReconciler({
        ...parts,
        warmUpMs: createLeaderWarmUp(parts, settings),
        statusOf: createStatusComposer(parts, settings),
        writer: createStatusWriter({ client, clock }, { fieldManager: 'larder/operator-status' }),
        events: createEventRecorder(deps, {
          reportingController: 'larder/operator',
          reportingInstance: settings.identity,
        }),
      }),
    }),
  ];
  const { report } = settings;
  if (report !== undefined)
    controllers.push(
      createController(deps, {
        name: 'report',
        sources: triggers.report,
        reconcile: createReportReconciler(
          {
            ...parts,
            followedRevision: createFollowedRevision({ ...parts, drain: createDrainTracker(parts) }),
          },
          { ...settings, name: report },
        ),
      }),
    );
  return { controllers, background: (signal: AbortSignal) => parts.stats.run(signal) };
}

/** The parts that several controllers share. */
function createParts({ client, clock, logger, watched }: ControllersDeps, settings: ControllersSettings) {
  const finalizer = createFinalizer(client, FINALIZER);
  const document = createNodeDocumentView(watched, settings);
  const existingUpstreams = createExistingUpstreams(watched, document);
  const taken = createTakenView(watched.taken, settings.takenUpstreams);
  const planner = createPlanner({
    watched,
    finalizer,
    existingUpstreams,
    lastValid: createLastValid(watched),
    taken,
  });
  const plan = () => planner.plan();
  return {
    client,
    clock,
    watched,
    finalizer,
    document,
    existingUpstreams,
    taken,
    planner,
    plan,
    applier: createApplier(client, { fieldManager: 'larder/operator', force: true }),
    secrets: createNamedSecrets(client, watched),
    trustedCa: createTrustedCa({ store: watched.trustedCa, logger }, settings.trustedCa),
    authority: createAuthorityKeeper({ client, clock }, settings),
    serviceMonitors: createServiceMonitorKind(watched.serviceMonitorCrd),
    states: createCacheStates(),
    stats: createStatsPoller({ clock, watched, plan }, settings),
    published: createPublishedDocument(),
    nodeProblems: createNodeProblems(),
  };
}
