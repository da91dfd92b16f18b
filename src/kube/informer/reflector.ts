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
  /** The `resource` of logs and metrics, where two reflectors watch the same. */
  readonly name?: string;
}

/** Keeps a cache as the API server's objects are. */
export interface Reflector {
  /** Lists and watches until the signal aborts, and resolves then. Whatever fails is tried again. */
  run(signal: AbortSignal): Promise<void>;
  /** Why it is not up to date; undefined while nothing has failed since the last event or bookmark. */
  problem(): Error | undefined;
}

/**
 * Fills `writer`. Lists as a stream where the server can, in pages where it cannot, watches from there, and goes on from the last
 * version after every break; only a version that the server cannot go on from takes another list.
 */
export function createReflector<S extends KubeObject>(
  { client, clock, logger, metrics, random }: ReflectorDeps,
  { resource, query = {}, name = resourceName(resource) }: ReflectorOptions<S>,
  writer: ObjectStoreWriter<S>,
): Reflector {
  const log = logger.with({ resource: name });
  let canStream = true;
  /** True when `writer.version` is not what a watch may go on from. */
  let mustList = true;
  /** What a list has to be at least as new as: time does not go backwards for those who read the cache. */
  let lowerBound: string | undefined;
  let failures = 0;
  /** How often the server has failed in a watch from this version on, since it last told us anything. */
  let internalErrors = 0;
  let problem: Error | undefined;

  /** One list, or one watch with the list before it; until its proper end. */
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
    // A server that knows nothing of streaming lists ends such a watch without a word about the initial state.
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

  /** Draws the conclusions from a failure, and gives how long to wait before the next try. */
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
      // The server cannot make anything of our version: its data are others than they were.
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

/** Watches end after 5 to 10 minutes (client-go), so that they do not all end at once. */
const SHORTEST_WATCH_SECONDS = 300;
/** A watch that ends sooner, and has brought nothing, is something in between that does not let watches through (client-go). */
const TOO_SHORT_MS = 1_000;
/** What has lived longer than the longest pause is no reason for a long one: it is never down for most of the time. */
const HEALTHY_MS = LONGEST_PAUSE_MS;

/**
 * A version that fails as often, with nothing in between, will not be served any more. An API server without a watch cache answers so
 * where etcd has compacted what the next event has replaced (kubernetes/kubernetes#76675), and never says 410.
 */
const UNREADABLE_AFTER = 3;

function tooShort(name: string): KubeError {
  return new KubeError(`watch ${name}: ended within ${TOO_SHORT_MS} ms without an event`, {
    httpStatus: undefined,
    reason: 'TooShort',
  });
}

/** The server is behind of what it was, or of another that was asked before (apiserver, `NewTooLargeResourceVersionError`). */
function isTooLarge(error: unknown): boolean {
  const causes = isKubeError(error) ? (error.details?.causes ?? []) : [];
  return causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}
