import { sleep, type Clock, endsWithin } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeMetrics } from '../metrics.ts';
import type { KubeClient, ObjectKey } from '../types.ts';
import { Leadership } from './leadership.ts';
import { createLeaseLock, type HoldOutcome } from './lease-lock.ts';

/** As in controller-runtime: other replicas wait 15 s, the leader gives up after 10 s, which leaves 5 s to end its work. */
const LEASE_MS = 15_000;
const RENEW_MS = 10_000;
const RETRY_MS = 2_000;
/**
 * Waiting replicas ask every 2 to 2.5 s, each at its own time, so a released lease is taken within 3 s (controller-runtime: 2 to 4.4 s).
 */
const JITTER = 0.25;
/** Limit of one call, so that a hanging call leaves time for another before the deadline. */
const CALL_MS = 5_000;

export interface ElectorDeps {
  /** A client of its own: a renewal behind a rate limit that other calls have used up would come too late. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface ElectorOptions {
  readonly lease: ObjectKey;
  /** Unique to this process; a restarted process has another. */
  readonly identity: string;
}

export interface Elector {
  /**
   * Competes for the lease and then runs `work`. Resolves when `work` has ended, soon after `stop` aborts, and the lease is released; at
   * once if `stop` aborts before. If `work` fails, its error is thrown and the lease is kept until it expires. Rejects with
   * `LEADERSHIP_LOST` if leadership ends during the work, which then has 5 s to end. The program should exit, since that is safer than to
   * continue in a process that lost contact. Leadership is no fence: effects outside of Kubernetes need a guard of their own.
   */
  lead(work: (leadership: Leadership) => Promise<void>, stop: AbortSignal): Promise<void>;
}

export function createElector(deps: ElectorDeps, options: ElectorOptions): Elector {
  const { clock, metrics, random } = deps;
  const { lease, identity } = options;
  const logger = deps.logger.with({ lease: lease.name, identity });
  const lock = createLeaseLock(deps, { lease, identity, leaseMs: LEASE_MS });
  const leads = (value: 0 | 1): void => metrics.kubeLeader.set({ lease: lease.name }, value);
  leads(0);

  /** Undefined if the server did not answer, which is logged. Not aborted by a stop: the process could hold the lease without knowing. */
  async function hold(): Promise<HoldOutcome | undefined> {
    try {
      return await limited((signal) => lock.hold(signal));
    } catch (error) {
      logger.warn('cannot acquire or renew the lease', { error: errorText(error) });
      return undefined;
    }
  }

  async function limited<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const cancel = clock.after(CALL_MS, () => controller.abort(new Error(`no answer in ${CALL_MS} ms`)));
    return call(controller.signal).finally(cancel);
  }

  async function acquire(stop: AbortSignal): Promise<Leadership | undefined> {
    while (!stop.aborted) {
      const sentAt = clock.monotonic();
      if ((await hold()) === 'ours') return new Leadership(clock, RENEW_MS, sentAt);
      await pause(RETRY_MS * (1 + JITTER * random()), stop);
    }
    return undefined;
  }

  /** Waits for nothing but the clock and the API server. */
  async function renew(leadership: Leadership, stop: AbortSignal): Promise<void> {
    for (;;) {
      await pause(RETRY_MS, stop);
      if (stop.aborted || !leadership.isLive()) return;
      const sentAt = clock.monotonic();
      const outcome = await hold();
      if (outcome === 'ours') leadership.renewed(sentAt);
      if (outcome === 'theirs') leadership.lose('another process holds the lease');
    }
  }

  function pause(ms: number, stop: AbortSignal): Promise<void> {
    return sleep(clock, ms, stop).catch(() => {});
  }

  async function release(): Promise<void> {
    try {
      await limited((signal) => lock.release(signal));
    } catch (error) {
      logger.warn('cannot release the lease, it has to expire', { error: errorText(error) });
    }
  }

  return {
    async lead(work, stop) {
      const leadership = await acquire(stop);
      if (leadership === undefined) return;
      leads(1);
      logger.info('became the leader');
      const { signal } = leadership;
      const ended = new AbortController();
      const renewing = renew(leadership, ended.signal);
      const lost = Promise.withResolvers<'lost'>();
      signal.addEventListener('abort', () => lost.resolve('lost'), { once: true });
      const working = Promise.try(work, leadership);
      let outcome: 'failed' | 'done' | 'lost' = 'failed';
      try {
        outcome = await Promise.race([working.then(() => 'done' as const), lost.promise]);
      } finally {
        if (outcome === 'lost') await endsWithin(clock, working, LEASE_MS - RENEW_MS);
        ended.abort();
        await renewing;
        leadership.end();
        leads(0);
        // Failed work may still have effects somewhere, so its lease has to expire.
        if (outcome === 'done') await release();
      }
      if (outcome === 'lost') throw signal.reason;
      logger.info('leadership ended: the work is done');
    },
  };
}
