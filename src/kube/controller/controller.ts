import { type Clock, endsWithin } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeMetrics } from '../metrics.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { KeySource } from './key-source.ts';
import type { Reconcile, ReconcileResult } from './reconcile.ts';

/** Long enough for calls that the API server asks to repeat. A reconcile that waits longer should requeue. */
const TIME_LIMIT_MS = 120_000;
/** A stop takes at most 30 s, as in controller-runtime: running reconciles may finish for 25 s and then have 5 s to abort. */
const FINISH_MS = 25_000;
const ABORTED_MS = 5_000;
/** Keys queued before the controller is warm wait for later changes (controller-runtime, `priorityqueue`). */
const INITIAL_PRIORITY = -100;

export interface ControllerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
}

export interface ControllerOptions {
  /** Name in logs and metrics. */
  readonly name: string;
  readonly sources: readonly KeySource[];
  readonly reconcile: Reconcile;
  /** Keys reconciled at once; 1 by default. */
  readonly workers?: number;
  /** Limit of one reconcile; 2 minutes by default. */
  readonly timeLimitMs?: number;
}

/** Leadership as a controller needs it. */
export interface Leading {
  readonly signal: AbortSignal;
  /**
   * Checked before each reconcile. After a gap in the event loop leadership may be over before the timer that aborts `signal` has fired.
   */
  isLive(): boolean;
}

export interface Controller {
  /** Resolves once all sources have synced. Keys are queued from the creation on, so a replica is warm by the time it leads. */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Reconciles, once warm, until `stop` aborts. Then no reconcile begins, and running ones may finish. When leadership is lost they are
   * aborted at once. Rejects with `RECONCILE_TIMEOUT` if some are still running 30 s after the stop or 5 s after the loss: their work is
   * not over, and the lease must not be released. Called once.
   */
  run(stop: AbortSignal, leading: Leading): Promise<void>;
}

/** Feeds keys from sources to a {@link Reconcile} and handles its result. */
export function createController(deps: ControllerDeps, options: ControllerOptions): Controller {
  const { clock } = deps;
  const { name, sources, reconcile, workers = 1, timeLimitMs = TIME_LIMIT_MS } = options;
  const logger = deps.logger.with({ controller: name });
  const queue = new WorkQueue(deps, name);
  const running = new Set<AbortController>();
  let isWarm = false;
  let abandoned = false;
  let number = 0;

  for (const source of sources) {
    source.onChange((key) => queue.add(key, isWarm ? {} : { priority: INITIAL_PRIORITY }));
  }

  async function warm(signal: AbortSignal): Promise<void> {
    await Promise.all(sources.map((source) => source.whenSynced(signal)));
    isWarm = true;
  }

  async function work(leading: Leading): Promise<void> {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      if (leading.isLive()) await one(key);
      queue.done(key);
    }
  }

  function abandon(reason: unknown): void {
    abandoned = true;
    for (const controller of running) controller.abort(reason);
  }

  async function finish(working: Promise<unknown>): Promise<void> {
    if (!abandoned && !(await endsWithin(clock, working, FINISH_MS))) {
      logger.warn('aborting reconciles that did not end in time', { running: running.size });
      abandon(new LarderError('SHUTTING_DOWN', `the controller ${name} is stopping`));
    }
    if (await endsWithin(clock, working, ABORTED_MS)) return;
    const what = `${running.size} reconciles of ${name} are still running although they were aborted`;
    throw new LarderError('RECONCILE_TIMEOUT', what);
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
      // The key stays taken until the reconcile has ended, so no key is ever reconciled twice at a time.
      context.logger.warn('reconcile timed out and is aborted', { error: errorText(error) });
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
      logger.error('reconcile failed and is not retried until something changes', {
        error: errorText(result.terminalError),
      });
    }
  }

  function failed(key: string, error: unknown, logger: Logger): void {
    // The next leader begins with the whole initial state, so nothing is lost.
    if (abandoned) return;
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
    async run(stop, leading) {
      const halt = new AbortController();
      const onStop = (): void => {
        queue.close();
        halt.abort(stop.reason);
      };
      const onLoss = (): void => {
        queue.close();
        abandon(leading.signal.reason);
        halt.abort(leading.signal.reason);
      };
      const forget = [onAbort(stop, onStop), onAbort(leading.signal, onLoss)];
      try {
        await warm(halt.signal).catch(unlessAborted(halt.signal));
        const working = Promise.all(Array.from({ length: workers }, () => work(leading)));
        const halted = new Promise<void>((resolve) => onAbort(halt.signal, resolve));
        await Promise.race([halted, working]);
        await finish(working);
      } finally {
        // Ends the other workers if one has failed.
        queue.close();
        for (const one of forget) one();
      }
    },
  };
}

/** Calls `callback` when `signal` aborts, or at once if it has. The returned function undoes that. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
