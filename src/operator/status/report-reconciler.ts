import { reportData, type ClusterReport } from '../../fleet/cluster-report.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Reconcile } from '../../kube/controller/reconcile.ts';
import type { Applier } from '../../kube/objects/apply.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { hasOurLabel, MANAGED_BY } from '../cluster/marks.ts';
import type { NodeDocumentView } from '../cluster/node-document-view.ts';
import type { Watched } from '../cluster/watched.ts';
import type { Planner } from '../configs/planner.ts';
import type { TakenView } from '../configs/taken-view.ts';
import { DRAIN_POLL_MS } from '../nodes/drain-tracker.ts';
import { NOT_OWNED_RETRY_MS, NotOwnedError } from '../ownership/not-owned-error.ts';
import type { RegistryConfigObject } from '../cluster/resources.ts';

/** Shortest time between two reports, unless the nodes follow another list of taken upstreams. */
const EVERY_MS = 10_000;

/** The only key of the controller. */
export const REPORT = 'report';

export interface ReportDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly watched: Watched;
  readonly planner: Pick<Planner, 'plan' | 'objects'>;
  readonly document: Pick<NodeDocumentView, 'current'>;
  readonly followedRevision: () => number;
  readonly taken: Pick<TakenView, 'get'>;
}

export interface ReportSettings {
  readonly namespace: string;
  readonly name: string;
  /** Additional labels of the ConfigMap. */
  readonly objectLabels: Readonly<Record<string, string>>;
}

/**
 * Writes the numbers of the cluster into the ConfigMap `name`, which readers outside of the cluster may have. One of that name that we did not
 * create is left alone.
 */
export function createReportReconciler(
  deps: ReportDeps,
  { namespace, name, objectLabels }: ReportSettings,
): Reconcile {
  const { client, clock, applier, watched, planner } = deps;
  let last: ClusterReport | undefined;
  let lastAt = -Infinity;

  return async (_key, { signal, logger }) => {
    const report = reportNow();
    const waitMs = lastAt + EVERY_MS - clock.monotonic();
    if (waitMs > 0 && report.revision === last?.revision) return { requeueAfterMs: nextLook(report, waitMs) };
    try {
      await write(report, signal);
    } catch (error) {
      if (!(error instanceof NotOwnedError)) throw error;
      logger.warn('the report cannot be written', { error: error.message });
      return { requeueAfterMs: NOT_OWNED_RETRY_MS };
    }
    last = report;
    lastAt = clock.monotonic();
    return { requeueAfterMs: nextLook(report, EVERY_MS) };
  };

  /** Looks more often while nodes are to follow a list, which makes no call to the API server. */
  function nextLook({ revision }: ClusterReport, ms: number): number {
    return revision === (deps.taken.get().revision ?? 0) ? ms : Math.min(ms, DRAIN_POLL_MS);
  }

  async function write(report: ClusterReport, signal: AbortSignal): Promise<void> {
    const intent = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name, labels: { ...objectLabels, ...MANAGED_BY } },
      data: reportData(report),
    };
    const observed = watched.configMaps.get(intent.metadata);
    if (observed === undefined) {
      const found = await find(client, CONFIG_MAPS, intent.metadata, signal);
      if (found !== undefined && !hasOurLabel(found.metadata.labels ?? {})) throw new NotOwnedError(found);
    }
    await applier.ensure(CONFIG_MAPS, intent, observed, signal);
  }

  function reportNow(): ClusterReport {
    const plan = planner.plan();
    const objects = planner.objects();
    const states = new Map<string, string>(
      objects.flatMap((object) =>
        object.kind === 'MirrorConfig'
          ? []
          : ((object as RegistryConfigObject).status?.caches ?? []).map(
              ({ upstream, state }) => [upstream, state] as const,
            ),
      ),
    );
    const caches = [...plan.caches.values()];
    const inState = (state: string): number =>
      caches.filter(({ config }) => states.get(config.upstream) === state).length;
    const nodeReports = watched.reports.list();
    const [daemonSet] = watched.daemonSets.list();
    const { revision } = deps.document.current();
    return {
      objects: objects.length,
      caches: caches.length,
      serving: inState('Serving'),
      failing: inState('Failing'),
      conflicting: objects.filter((object) => plan.conflictsOf(object).length > 0).length,
      nodes: Math.max(daemonSet?.status?.desiredNumberScheduled ?? 0, nodeReports.length),
      following: nodeReports.filter(({ status }) => status?.revision === revision).length,
      revision: deps.followedRevision(),
    };
  }
}
