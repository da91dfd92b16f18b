import { z } from 'zod';
import type { Logger } from '../../kit/logger.ts';
import type { Maintenance } from '../../store/maintenance/maintenance.ts';
import { rateSchema, readActionBody } from './action-body.ts';
import type { Repair } from '../repair.ts';
import type { Turn } from './turn.ts';
import type { AdminAction } from '../../kit/admin/admin-listener.ts';

export interface VerifyActionDeps {
  readonly maintenance: Pick<Maintenance, 'verify'>;
  readonly repair: Repair;
  readonly turn: Turn;
  readonly logger: Logger;
}

const BODY = z.strictObject({
  image: z.string().min(1).max(1024).optional(),
  repair: z.boolean().default(false),
  rate: rateSchema.optional(),
});

/**
 * Makes the action of `POST /api/v1/verify`: reads stored content, reports progress and findings, and ends with a `result`.
 * Runs one at a time, and stops when the client leaves. Throws as `Maintenance.verify` does, `REQUEST_INVALID` and
 * `MAINTENANCE_RUNNING`.
 */
export function createVerifyAction({ maintenance, repair, turn, logger }: VerifyActionDeps): AdminAction {
  return (body, stream) => {
    const { image, rate, repair: repairs } = readActionBody(BODY, body);
    return turn.take('verify', stream.signal, async (signal) => {
      const options = { image, bytesPerSecond: rate, repair: repairs ? repair : undefined };
      const result = await maintenance.verify(options, signal, (event) => stream.write(event));
      logger.info('verification of stored content finished', { event: 'verify-finished', ...result });
      await stream.write({ event: 'result', ...result });
    });
  };
}
