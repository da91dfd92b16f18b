import { errorText } from '../../kit/errors.ts';
import { withShoot } from '../actuator/with-shoot.ts';
import type { ActuatorContext } from '../extensions/actuator.ts';
import type { ReplicationDeps, ReplicationSettings } from './replication-parts.ts';
import { untilFollowed } from './until-followed.ts';

/** Longest wait for nodes. */
const LIMIT_MS = 60_000;
/** Time after the begin of an operation at which it goes on in any case. It ends after 180 s. */
const GO_ON_MS = 150_000;

/**
 * Waits until the nodes of a shoot have left the caches of upstreams that are taken. `begunAt` is the begin of the operation on the monotonic clock. Throws
 * only the reason of the signal.
 */
export async function awaitNodes(
  deps: ReplicationDeps,
  { shootAddress: address }: Pick<ReplicationSettings, 'shootAddress'>,
  { namespace, signal, logger }: ActuatorContext,
  { revision, begunAt }: { readonly revision: number | undefined; readonly begunAt: number },
): Promise<void> {
  if (revision === undefined) return;
  const { clock } = deps;
  const limitMs = Math.min(LIMIT_MS, begunAt + GO_ON_MS - clock.monotonic());
  const wait = { revision, limitMs };
  try {
    await withShoot(
      deps,
      { namespace, address },
      (shoot) => untilFollowed({ shoot, clock, logger }, wait, signal),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    logger.warn('the shoot cannot be asked whether its nodes follow', { error: errorText(error) });
  }
}
