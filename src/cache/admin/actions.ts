import type { AdminAction } from '../../kit/admin/admin-listener.ts';
import type { Logger } from '../../kit/logger.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import type { Maintenance } from '../../store/maintenance/maintenance.ts';
import { policiesOf, type ActiveConfig } from '../active-config.ts';
import type { Repair } from '../repair.ts';
import { createGcAction } from './gc-action.ts';
import { createTurn } from './turn.ts';
import { createVerifyAction } from './verify-action.ts';

export interface AdminActionsDeps {
  readonly maintenance: Maintenance;
  readonly active: ActiveConfig;
  readonly repair: Repair;
  readonly tasks: TaskGroup;
  readonly logger: Logger;
}

/** Actions of the admin listener, by path (docs/reference/admin-api.md). */
export function createAdminActions(deps: AdminActionsDeps): Readonly<Record<string, AdminAction>> {
  const { maintenance, active, repair, tasks, logger } = deps;
  const turn = createTurn(tasks);
  return {
    '/api/v1/verify': createVerifyAction({ maintenance, repair, turn, logger }),
    '/api/v1/gc': createGcAction({ maintenance, policies: () => policiesOf(active.config), turn, logger }),
  };
}
