import type { Server } from 'node:http';
import { createAdminListener } from '../kit/admin/admin-listener.ts';
import { createAdminGuard } from '../kit/admin/guard.ts';
import { openAdminToken } from '../kit/admin/token-file.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import type { TaskGroup } from '../kit/task-group.ts';
import type { MaintainedStore } from '../store/maintenance/maintenance.ts';
import type { ActiveConfig } from './active-config.ts';
import { createAdminActions } from './admin/actions.ts';
import { statsDocument } from './admin/stats.ts';
import { refreshStoreGauges } from './admin/store-gauges.ts';
import type { RequestTotals } from './http/observe.ts';
import type { CacheMetrics } from './metrics.ts';
import type { Repair } from './repair.ts';
import { distributionPages, type DistributionMode } from './distribution/distribution-mode.ts';
import type { UpstreamHealth } from './upstream-health.ts';

export interface ComposeAdminDeps {
  readonly tasks: TaskGroup;
  readonly metrics: CacheMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: MaintainedStore;
  readonly active: ActiveConfig;
  readonly repair: Repair;
  readonly totals: ReadonlyMap<string, RequestTotals>;
  readonly health: UpstreamHealth;
  readonly isReady: () => boolean;
}

export interface ComposeAdminOptions {
  readonly version: string;
  readonly storeDirectory: string;
  readonly adminTokenFile: string | undefined;
  /** Undefined outside of this mode. */
  readonly distribution: Pick<DistributionMode, 'metricsPath'> | undefined;
}

/** Builds the admin listener: probes, metrics, statistics and actions. Throws `ADMIN_TOKEN_INVALID`. */
export async function composeAdmin(
  deps: ComposeAdminDeps,
  { version, storeDirectory, adminTokenFile, distribution }: ComposeAdminOptions,
): Promise<Server> {
  const { tasks, metrics, clock, logger, store, active, repair, totals, health } = deps;
  const { maintenance } = store;
  const token = adminTokenFile === undefined ? () => undefined : await openAdminToken(adminTokenFile, deps);
  const statsDeps = { clock, store, metrics, totals, health, version, directory: storeDirectory };
  return createAdminListener({
    metrics,
    logger,
    ready: deps.isReady,
    ...(distribution !== undefined && distributionPages(distribution, deps.isReady)),
    documents: { '/api/v1/stats': () => statsDocument(statsDeps, active.table) },
    refresh: () => refreshStoreGauges(metrics, store.stats()),
    actions: {
      guard: createAdminGuard(token),
      clock,
      byPath: createAdminActions({ maintenance, active, repair, tasks, logger }),
    },
  });
}
