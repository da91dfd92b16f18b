import { sleep, type Clock } from '../kit/clock.ts';
import { errorText, LarderError } from '../kit/errors.ts';
import { createLifeline } from '../kit/lifeline.ts';
import type { Logger } from '../kit/logger.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { LEASES } from '../kube/leader-election/lease.ts';
import { microTime } from '../kube/time.ts';
import type { KubeClient } from '../kube/types.ts';
import { EXTENSION_NAME, HEARTBEAT_CONTROLLER, HEARTBEAT_LEASE } from './names.ts';

/** Limit of one renewal, and the pause after a failure. Both leave time for several tries before the Lease is stale. */
const CALL_MS = 5_000;
const RETRY_MS = 2_000;

export interface HeartbeatDeps {
  /** A client of its own: a renewal behind a rate limit that reconciles have used up would come too late. */
  readonly client: Pick<KubeClient, 'create' | 'mergePatch'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HeartbeatOptions {
  readonly namespace: string;
  readonly renewSeconds: number;
}

export interface Heartbeat {
  /** Renews the Lease until the signal aborts, then resolves. Retries every failure. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Keeps the Lease by which gardenlet knows that the extension is alive (gardener v1.147.1, `extensions/pkg/controller/heartbeat`). When it
 * is stale, gardenlet counts the installation as unhealthy, and conditions of its Extensions as unknown.
 */
export function createHeartbeat(
  { client, clock, logger: base }: HeartbeatDeps,
  { namespace, renewSeconds }: HeartbeatOptions,
): Heartbeat {
  const logger = base.with({ controller: HEARTBEAT_CONTROLLER });
  const key = { namespace, name: HEARTBEAT_LEASE };

  async function renew(signal: AbortSignal): Promise<void> {
    const spec = {
      holderIdentity: EXTENSION_NAME,
      leaseDurationSeconds: renewSeconds,
      renewTime: microTime(clock.now()),
    };
    // Fields of a Lease that was used for an election would make no sense here.
    const alone = { ...spec, acquireTime: null, leaseTransitions: null };
    try {
      await client.mergePatch(LEASES, key, { spec: alone }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec };
      await client.create(LEASES, lease, { signal });
    }
  }

  /** True if the Lease is renewed. */
  async function beat(stop: AbortSignal): Promise<boolean> {
    using life = createLifeline(clock, stop);
    life.limit(CALL_MS, () => new LarderError('KUBE_UNREACHABLE', `no answer in ${CALL_MS} ms`));
    try {
      await renew(life.signal);
      return true;
    } catch (error) {
      if (!stop.aborted) logger.warn('cannot renew the heartbeat', { error: errorText(error) });
      return false;
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        const begunAt = clock.monotonic();
        const pauseMs = (await beat(signal)) ? renewSeconds * 1000 : Math.min(RETRY_MS, renewSeconds * 1000);
        const leftMs = begunAt + pauseMs - clock.monotonic();
        // Rejects only with the signal's reason.
        if (leftMs > 0) await sleep(clock, leftMs, signal).catch(() => {});
      }
    },
  };
}
