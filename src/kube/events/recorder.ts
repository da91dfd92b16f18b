import { createRecentMap } from '../../kit/recent-map.ts';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { KubeMetrics } from '../metrics.ts';
import type { TaskGroup } from '../../kit/task-group.ts';
import { TokenBucket } from '../../kit/token-bucket.ts';
import { isAlreadyExists, isKubeError, isNotFound } from '../kube-error.ts';
import type { KubeClient, KubeObject } from '../types.ts';
import { eventNamespace, eventObject, EVENTS, regardingOf, type Occurrence, type Reporter } from './event.ts';
import { createLiveSeries, seriesField, type Series } from './live-series.ts';

/** Limit for one object (client-go, `EventSourceObjectSpamFilter`): 25 at once, then one in 5 minutes. */
const PER_OBJECT = { burst: 25, perSecond: 1 / 300 };
const OBJECTS = 4096;
/** Series that may wait to be written. */
const QUEUE = 1000;
/** Retries take half a minute: after 1, 2, 4, 8 and 16 s. */
const RETRIES = 5;
const FIRST_RETRY_MS = 1000;

export interface EventRecorderDeps {
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KubeMetrics;
  readonly tasks: TaskGroup;
}

export interface EventRecorder {
  /**
   * Records an Event for `regarding` in the background, best effort. Never waits and never throws; excess Events are dropped and counted.
   * Equal occurrences within 6 minutes become one Event with a count.
   */
  record(regarding: KubeObject, occurrence: Occurrence): void;
}

type DropCause = 'rate' | 'full' | 'refused' | 'failed';

export function createEventRecorder(deps: EventRecorderDeps, reporter: Reporter): EventRecorder {
  const { client, clock, logger, metrics, tasks } = deps;
  const live = createLiveSeries(clock, reporter);
  const buckets = createRecentMap<string, TokenBucket>(OBJECTS);
  const queue = new Set<Series>();
  let writing = false;

  for (const cause of ['rate', 'full', 'refused', 'failed'] as const) dropped(cause, 0);

  function dropped(cause: DropCause, count = 1): void {
    metrics.kubeEventsDropped.inc({ cause }, count);
  }

  function mayWrite({ kind, metadata: { namespace, name, uid } }: KubeObject): boolean {
    const id = JSON.stringify([kind, namespace, name, uid]);
    const bucket = buckets.get(id) ?? new TokenBucket(clock, PER_OBJECT);
    buckets.set(id, bucket);
    return bucket.take();
  }

  async function writeAll(signal: AbortSignal): Promise<void> {
    try {
      for (const series of queue) {
        // Removed before sending: a later occurrence has to be sent again.
        queue.delete(series);
        await writeStubbornly(series, signal);
      }
    } finally {
      writing = false;
    }
  }

  async function writeStubbornly(series: Series, signal: AbortSignal): Promise<void> {
    for (let retry = 0; ; retry += 1) {
      try {
        await write(series, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const cause = isRefusal(error) ? 'refused' : 'failed';
        if (cause === 'failed' && retry < RETRIES) {
          await sleep(clock, FIRST_RETRY_MS * 2 ** retry, signal);
          continue;
        }
        dropped(cause);
        const { regarding, occurrence } = series;
        const what = { kind: regarding.kind, name: regarding.name, reason: occurrence.reason };
        logger.warn('event dropped', { ...what, error: errorText(error) });
        return;
      }
    }
  }

  async function write(series: Series, signal: AbortSignal): Promise<void> {
    const { name, regarding } = series;
    const field = seriesField(series);
    if (series.exists && field !== undefined) {
      try {
        const key = { namespace: eventNamespace(regarding), name };
        // RFC 6902, 4.1: `add` replaces an existing value.
        await client.patch(EVENTS, key, [{ op: 'add', path: '/series', value: field }], { signal });
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // The API server deletes Events after an hour.
        live.rename(series);
      }
    }
    try {
      await client.create(EVENTS, eventObject({ ...series, reporter, series: field }), { signal });
    } catch (error) {
      // The Event exists from an earlier try whose answer was lost.
      if (!isAlreadyExists(error)) throw error;
    }
    series.exists = true;
  }

  return {
    record(regarding, occurrence) {
      const series = live.count(regardingOf(regarding), occurrence);
      if (queue.has(series)) return;
      if (!mayWrite(regarding)) return dropped('rate');
      if (queue.size >= QUEUE) return dropped('full');
      queue.add(series);
      if (writing) return;
      writing = true;
      tasks.run('events', writeAll);
    },
  };
}

/** True if the API server understood the request and refused it: the namespace is terminating, or a right is missing. */
function isRefusal(error: unknown): boolean {
  const status = isKubeError(error) ? (error.httpStatus ?? 0) : 0;
  return status >= 400 && status < 500 && status !== 429;
}
