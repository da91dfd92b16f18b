import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeClient } from '../../kube/types.ts';
import { readReport, type ShootReportRead } from './read-report.ts';

export interface UntilFollowedDeps {
  readonly shoot: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const POLL_MS = 2_000;

/**
 * Waits until the nodes of a shoot have left the caches of all upstreams that are taken, for `limitMs` at most: a node that does not answer must not keep
 * its shoot from being reconciled. Without a report there is no operator yet, and nothing to wait for. Throws only the reason of the signal.
 */
export async function untilFollowed(
  { shoot, clock, logger }: UntilFollowedDeps,
  { revision, limitMs }: { readonly revision: number; readonly limitMs: number },
  signal: AbortSignal,
): Promise<void> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    const read = await tryRead();
    if (read.kind !== 'failed' && read.kind !== 'read') return;
    if (read.kind === 'read' && read.report.revision === revision) return;
    const leftMs = end - clock.monotonic();
    if (leftMs <= 0) break;
    await sleep(clock, Math.min(POLL_MS, leftMs), signal);
  }
  logger.warn('not all nodes have left the caches of upstreams that are taken now', { revision });

  async function tryRead(): Promise<ShootReportRead | { readonly kind: 'failed' }> {
    try {
      return await readReport(shoot, signal);
    } catch (error) {
      signal.throwIfAborted();
      logger.info('the report of the shoot cannot be read', { error: errorText(error) });
      return { kind: 'failed' };
    }
  }
}
