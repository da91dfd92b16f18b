import type { AdminAction } from '../../kit/admin-listener.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { MaintainedStore } from '../../store/maintenance.ts';
import type { Access } from '../access/access.ts';
import { policiesOf, type ActiveConfig } from '../active-config.ts';
import type { Manifests } from '../answers/manifests.ts';
import type { PullEngine } from '../pull/engine.ts';
import { createGcAction } from './gc-action.ts';
import { createRepair } from './repair.ts';
import { createTurn } from './turn.ts';
import { createVerifyAction } from './verify-action.ts';

export interface AdminActionsDeps {
  readonly store: MaintainedStore;
  readonly active: ActiveConfig;
  readonly access: Access;
  readonly pulls: { readonly engine: PullEngine; readonly manifests: Manifests };
  readonly tasks: TaskGroup;
  readonly metrics: Pick<Metrics, 'corruptBlobs'>;
  readonly logger: Logger;
}

/** What can be done by the admin listener, by path (contract, "Admin API"). */
export function createAdminActions(deps: AdminActionsDeps): Readonly<Record<string, AdminAction>> {
  const { store, active, access, pulls, tasks, metrics, logger } = deps;
  const { maintenance } = store;
  const turn = createTurn(tasks);
  const repair = createRepair({
    table: () => active.table,
    access,
    pulls: pulls.engine,
    manifests: pulls.manifests,
    isStored: ({ digest }, origin) => store.presence(digest, origin) === 'linked',
    refetched: () => metrics.corruptBlobs.inc({ action: 'refetched' }),
  });
  return {
    '/api/v1/verify': createVerifyAction({ maintenance, repair, turn, logger }),
    '/api/v1/gc': createGcAction({ maintenance, policies: () => policiesOf(active.config), turn, logger }),
  };
}
