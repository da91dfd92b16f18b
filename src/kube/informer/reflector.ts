import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { WatchMetrics } from '../metrics.ts';
import { resourceName } from '../client/resource-path.ts';
import { isExpired, isKubeError, KubeError } from '../kube-error.ts';
import type { KubeClient, KubeObject, ListQuery, Resource, WatchEvent } from '../types.ts';
import { createInitialState, type InitialState } from './initial-state.ts';
import type { ObjectStoreWriter } from './object-store.ts';
import { LONGEST_PAUSE_MS, pauseMs } from './pause.ts';

export interface ReflectorDeps {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<WatchMetrics, 'kubeRelists' | 'kubeWatchFailures' | 'kubeLastEvent' | 'kubeObjects'>;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface ReflectorOptions<S extends KubeObject> {
  readonly resource: Resource<S>;
  readonly query?: ListQuery;
  /** Value of `resource` in logs and metrics, needed if two reflectors watch the same resource. */
  readonly name?: string;
}

/** Keeps an object store in step with the API server. */
export interface Reflector {
  /** Lists and watches until the signal aborts, then resolves. Retries every failure. */
  run(signal: AbortSignal): Promise<void>;
  /** Reason why the store is not current. Undefined if nothing has failed since the last event or bookmark. */
  problem(): Error | undefined;
}

/**
 * Fills `writer`. Lists as a stream if the server can, otherwise in pages, and watches from there. After every break it continues from the
 * last version; only a version from which the server cannot continue takes another list.
 */
export function createReflector<S extends KubeObject>(
  { client, clock, logger, metrics, random }: ReflectorDeps,
  { resource, query = {}, name = resourceName(resource) }: ReflectorOptions<S>,
  writer: ObjectStoreWriter<S>,
): Reflector {
  const log = logger.with({ resource: name });
  let canStream = true;
  /** True if a watch must not continue from `writer.version`. */
  let mustList = true;
  /** Oldest acceptable version of the next list, so that readers of the store never see time go backwards. */
  let lowerBound: string | undefined;
  let failures = 0;
  /** Failures of the server in watches from this version on, since its last event. */
  let internalErrors = 0;
  let problem: Error | undefined;

  /** Runs one list, or one watch with the list before it, until its regular end. */
  async function turn(signal: AbortSignal): Promise<void> {
    if (mustList && !canStream) {
      listed(await client.list(resource, { ...query, notOlderThan: lowerBound }, { signal }));
    }
    await follow(signal);
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const beganAt = clock.monotonic();
    const initial = mustList ? createInitialState<S>() : undefined;
    const from = writer.version;
    const watch = client.watch(
      resource,
      {
        ...query,
        resourceVersion: initial ? lowerBound : writer.version,
        initialEvents: initial !== undefined,
        timeoutSeconds: Math.round(SHORTEST_WATCH_SECONDS * (1 + random())),
      },
      signal,
    );
    for await (const event of watch) {
      take(event, initial);
      heard();
    }
    // A server without streaming lists ends such a watch without the initial state.
    if (mustList) canStream = false;
    else if (writer.version === from && clock.monotonic() - beganAt < TOO_SHORT_MS) throw tooShort(name);
  }

  function take(event: WatchEvent<S>, initial: InitialState<S> | undefined): void {
    if (mustList && initial !== undefined) {
      const list = initial.take(event);
      if (list !== undefined) listed(list);
    } else if (event.type === 'BOOKMARK') writer.advance(event.resourceVersion);
    else writer.apply(event.type, event.object);
  }

  function listed(list: Parameters<ObjectStoreWriter<S>['replace']>[0]): void {
    writer.replace(list);
    mustList = false;
    metrics.kubeRelists.inc({ resource: name });
    heard();
  }

  function heard(): void {
    if (problem !== undefined) log.info('watching again');
    problem = undefined;
    internalErrors = 0;
    metrics.kubeLastEvent.set({ resource: name }, clock.now() / 1000);
    metrics.kubeObjects.set({ resource: name }, writer.size);
  }

  /** Handles a failure and returns the pause before the next try. */
  function failed(error: unknown, livedMs: number): number {
    const status = isKubeError(error) ? error.httpStatus : undefined;
    if (mustList) {
      if (canStream && (status === 400 || status === 422)) {
        canStream = false;
        log.debug('the API server has no streaming lists', { error: errorText(error) });
        return 0;
      }
      if (isExpired(error) || isTooLarge(error)) lowerBound = undefined;
    } else if (isExpired(error) || (status === 500 && ++internalErrors === UNREADABLE_AFTER)) {
      mustList = true;
      lowerBound = writer.version;
    } else if (status === 400 || isTooLarge(error)) {
      // The server cannot interpret our version, because its data were replaced.
      mustList = true;
      lowerBound = undefined;
    }
    failures = livedMs >= HEALTHY_MS ? 1 : failures + 1;
    const retryAfterMs = isKubeError(error) ? 1000 * (error.retryAfterSeconds ?? 0) : 0;
    const waitMs = Math.max(pauseMs(failures, random), retryAfterMs);
    metrics.kubeWatchFailures.inc({ resource: name, reason: isKubeError(error) ? error.reason : 'Error' });
    log[problem === undefined ? 'warn' : 'debug']('watch failed', { error: errorText(error), waitMs });
    problem = error instanceof Error ? error : new Error(errorText(error));
    return waitMs;
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        const beganAt = clock.monotonic();
        try {
          await turn(signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          const waitMs = failed(error, clock.monotonic() - beganAt);
          // Rejects only with the signal's reason.
          if (waitMs > 0) await sleep(clock, waitMs, signal).catch(() => {});
        }
      }
    },
    problem: () => problem,
  };
}

/** Watches last 5 to 10 minutes (client-go), so that they do not all end at once. */
const SHORTEST_WATCH_SECONDS = 300;
/** A watch that ends sooner and without an event runs into a proxy that does not support watches (client-go). */
const TOO_SHORT_MS = 1_000;
/** A turn longer than the longest pause resets the back-off, so the reflector is never down for most of the time. */
const HEALTHY_MS = LONGEST_PAUSE_MS;

/**
 * After so many failures in a row the version counts as lost. An API server without a watch cache answers 500, and never 410, if etcd has
 * compacted the state that the next event replaced (kubernetes/kubernetes#76675).
 */
const UNREADABLE_AFTER = 3;

function tooShort(name: string): KubeError {
  return new KubeError(`watch ${name}: ended within ${TOO_SHORT_MS} ms without an event`, {
    httpStatus: undefined,
    reason: 'TooShort',
  });
}

/** The server is behind its own former state or behind another replica (apiserver, `NewTooLargeResourceVersionError`). */
function isTooLarge(error: unknown): boolean {
  const causes = isKubeError(error) ? (error.details?.causes ?? []) : [];
  return causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}
