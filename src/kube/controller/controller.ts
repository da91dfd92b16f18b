import type { Clock } from '../../kit/clock.ts';
import { endsWithin } from '../../kit/ends-within.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { KeySource } from './key-source.ts';
import type { Reconcile, ReconcileResult } from './reconcile.ts';

/** Long enough for calls that are repeated as the API server asks; a reconcile that waits longer than that should requeue. */
const TIME_LIMIT_MS = 120_000;
/** A stop ends within 30 s, as controller-runtime's: running reconciles may finish for 25 s, and have 5 s to end once aborted. */
const FINISH_MS = 25_000;
const ABORTED_MS = 5_000;
/** What the initial list brings waits for what changes now (controller-runtime, `priorityqueue`). */
const INITIAL_PRIORITY = -100;

export interface ControllerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ControllerOptions {
  /** In logs and metrics. */
  readonly name: string;
  readonly sources: readonly KeySource[];
  readonly reconcile: Reconcile;
  /** Keys worked on at once; 1 unless told. */
  readonly workers?: number;
  /** For one reconcile; 2 minutes unless told. */
  readonly timeLimitMs?: number;
}

export interface Controller {
  /**
   * Resolves when all sources have synced. Keys are queued from the creation on, so a replica that does not lead is warm when it comes to lead.
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Once warm, works until `stop` was called, or until `signal` aborts: leadership is lost, and running reconciles are aborted at once. `mayWork` is asked before each
   * reconcile: after a gap in the event loop leadership may be over before its timer has fired. Once only.
   */
  run(signal: AbortSignal, mayWork?: () => boolean): Promise<void>;
  /** Begins no reconcile any more, and resolves when the running ones have ended: within 30 s. */
  stop(): Promise<void>;
}

/** Brings keys from sources to a {@link Reconcile}, and does with its outcome what the outcome says. */
export function createController(deps: ControllerDeps, options: ControllerOptions): Controller {
  const { clock } = deps;
  const { name, sources, reconcile, workers = 1, timeLimitMs = TIME_LIMIT_MS } = options;
  const logger = deps.logger.with({ controller: name });
  const queue = new WorkQueue(deps, name);
  const running = new Set<AbortController>();
  const stopped = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  let number = 0;

  for (const source of sources) {
    source.onChange((key) => queue.add(key, source.hasSynced() ? {} : { priority: INITIAL_PRIORITY }));
  }

  async function warm(signal: AbortSignal): Promise<void> {
    await Promise.all(sources.map((source) => source.untilSynced(signal)));
  }

  function abortAll(reason: unknown): void {
    queue.close();
    stopped.abort(reason);
    for (const controller of running) controller.abort(reason);
  }

  async function work(mayWork: () => boolean): Promise<void> {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      if (mayWork()) await one(key);
      queue.done(key);
    }
  }

  async function one(key: string): Promise<void> {
    const context = { logger: logger.with({ key, reconcile: ++number }) };
    const controller = new AbortController();
    running.add(controller);
    const cancel = clock.after(timeLimitMs, () => {
      const error = new LarderError(
        'RECONCILE_TIMEOUT',
        `reconciling ${key} took more than ${timeLimitMs} ms`,
      );
      // The key stays taken until the reconcile has ended: nothing is ever reconciled twice at a time.
      context.logger.warn('reconcile takes too long and is aborted', { error: errorText(error) });
      controller.abort(error);
    });
    try {
      settle(key, await reconcile(key, { ...context, signal: controller.signal }), context.logger);
    } catch (error) {
      failed(key, error, context.logger);
    } finally {
      cancel();
      running.delete(controller);
    }
  }

  function settle(key: string, result: ReconcileResult, logger: Logger): void {
    queue.forget(key);
    if (result === 'done') {
      count('done');
    } else if ('requeueAfterMs' in result) {
      count('requeued');
      queue.addAfter(key, result.requeueAfterMs);
    } else {
      count('terminal');
      logger.error('reconcile cannot succeed until something changes', {
        error: errorText(result.terminalError),
      });
    }
  }

  function failed(key: string, error: unknown, logger: Logger): void {
    // Cut short by the stop: whoever runs next begins with the whole initial state.
    if (stopped.signal.aborted) return;
    count('error');
    queue.retry(key);
    logger.error('reconcile failed', { error: errorText(error), failures: queue.failures(key) });
  }

  function count(result: string): void {
    deps.metrics.kubeReconciles.inc({ controller: name, result });
  }

  for (const result of ['done', 'requeued', 'error', 'terminal']) {
    deps.metrics.kubeReconciles.inc({ controller: name, result }, 0);
  }

  return {
    warm,
    async run(signal, mayWork = () => !signal.aborted) {
      const lost = (): void => abortAll(signal.reason);
      if (signal.aborted) lost();
      signal.addEventListener('abort', lost, { once: true });
      try {
        await warm(stopped.signal);
        ended = Promise.all(Array.from({ length: workers }, () => work(mayWork))).then(() => {});
        await ended;
      } catch (error) {
        if (!stopped.signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', lost);
      }
    },
    async stop() {
      const reason = new LarderError('SHUTTING_DOWN', `the controller ${name} is stopping`);
      queue.close();
      if (await endsWithin(clock, ended, FINISH_MS)) {
        abortAll(reason);
        return;
      }
      logger.warn('reconciles are aborted, for they did not end in time', { running: running.size });
      abortAll(reason);
      if (await endsWithin(clock, ended, ABORTED_MS)) return;
      logger.error('reconciles go on although they were aborted', { running: running.size });
    },
  };
}
