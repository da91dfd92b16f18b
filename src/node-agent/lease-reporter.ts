import { sleep, type Clock } from '../kit/clock.ts';
import { errorText } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { pauseMs } from '../kube/informer/pause.ts';
import { LEASES } from '../kube/leader-election/lease.ts';
import type { KubeClient } from '../kube/types.ts';
import { createWakeUp } from './wake-up.ts';
import { nodeLease, type NodeLeaseOwner } from '../fleet/node-lease.ts';
import type { NodeStatus } from '../fleet/node-status.ts';
import type { StatusReporter } from './status-reporter.ts';

export interface LeaseReporterDeps {
  readonly client: Pick<KubeClient, 'apply'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface LeaseReporterOptions {
  readonly namespace: string;
  readonly node: string;
  readonly owner: NodeLeaseOwner | undefined;
}

/** Writes the node's status into its Lease after each change and every 10 minutes. A failed write is repeated with the latest status. */
export function createLeaseReporter(
  { client, clock, logger, random }: LeaseReporterDeps,
  { namespace, node, owner }: LeaseReporterOptions,
): StatusReporter {
  let wanted: NodeStatus | undefined;
  let written: string | undefined;
  const wakeUp = createWakeUp(clock);
  let failures = 0;

  /** Returns the shortest time until the next write, in milliseconds. */
  async function write(status: NodeStatus, signal: AbortSignal): Promise<number> {
    try {
      const lease = nodeLease({ node, status, renewedAt: clock.now() }, namespace, owner);
      await client.apply(LEASES, lease, { fieldManager: FIELD_MANAGER, force: true, signal });
      written = JSON.stringify(status);
      if (failures > 0) logger.info('node status written again');
      failures = 0;
      return EVERY_MS;
    } catch (error) {
      if (signal.aborted) return 0;
      failures += 1;
      wakeUp.notify();
      const waitMs = Math.max(EVERY_MS, pauseMs(failures, random));
      const level = failures === 1 ? 'warn' : 'debug';
      logger[level]('cannot write the node status', { error: errorText(error), waitMs });
      return waitMs;
    }
  }

  return {
    report(status) {
      wanted = status;
      if (JSON.stringify(status) !== written) wakeUp.notify();
    },
    async last(status) {
      const limit = new AbortController();
      const cancel = clock.after(LAST_MS, () => limit.abort());
      await write(status, limit.signal);
      cancel();
    },
    async run(signal) {
      while (await wakeUp.next(RENEW_MS * (1 - RENEW_JITTER * random()), signal)) {
        if (wanted === undefined) continue;
        const waitMs = await write(wanted, signal);
        await sleep(clock, waitMs, signal).catch(() => {});
      }
    },
  };
}

const FIELD_MANAGER = 'larder-node-agent/status';
/** Shortest time between two writes: every watcher of Leases receives each of them. */
const EVERY_MS = 1_000;
const LAST_MS = 5_000;
const RENEW_MS = 600_000;
/** Up to a fifth sooner, so that the nodes of a cluster do not write at the same time. */
const RENEW_JITTER = 0.2;
