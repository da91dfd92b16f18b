import { z } from 'zod';
import type { AdminAction } from '../../kit/admin/admin-listener.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Maintenance } from '../../store/maintenance/maintenance.ts';
import type { UpstreamPolicy } from '../../store/types.ts';
import { readActionBody } from './action-body.ts';
import type { Turn } from './turn.ts';

export interface GcActionDeps {
  readonly maintenance: Pick<Maintenance, 'collectGarbage'>;
  /** Policies of the current configuration. */
  readonly policies: () => ReadonlyMap<string, UpstreamPolicy>;
  readonly turn: Turn;
  readonly logger: Logger;
}

const BODY = z.strictObject({ dryRun: z.boolean().default(false) });

/**
 * Makes the action of `POST /api/v1/gc`: removes unneeded content and files, reports each item, and ends with a `result`.
 * Runs one at a time, and stops when the client leaves. Throws `REQUEST_INVALID`, `MAINTENANCE_RUNNING` and
 * `STORE_UNAVAILABLE`.
 */
export function createGcAction({ maintenance, policies, turn, logger }: GcActionDeps): AdminAction {
  return (body, stream) => {
    const { dryRun } = readActionBody(BODY, body);
    return turn.take('gc', stream.signal, async (signal) => {
      const options = { dryRun, policies: policies(), maxBytes: undefined };
      const result = await maintenance.collectGarbage(options, signal, (item) => stream.write(item));
      if (!dryRun) logger.info('garbage collection finished', { event: 'gc-finished', ...result });
      await stream.write({ event: 'result', ...result });
    });
  };
}
