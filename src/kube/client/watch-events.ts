import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError } from '../../kit/errors.ts';
import { KubeError } from '../kube-error.ts';
import type { KubeObject, Resource, WatchEvent } from '../types.ts';
import { badAnswer, decodeJson, decodeObject } from './decode.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import { lines } from './lines.ts';
import { statusError } from './status-error.ts';
import { isSecretWrite, late, unreachable, type KubeRequest, type KubeTransport } from './kube-transport.ts';

export interface WatchLimits {
  /** Time until the server begins to answer. */
  readonly callMs: number;
  /** Time without a byte. Bookmarks come about every minute, so three are missing by then. */
  readonly silenceMs: number;
  /** Time after `timeoutSeconds` within which the server has to end the watch. */
  readonly overtimeMs: number;
  /** Size of one event. An object has at most 1.5 MiB (etcd's limit of a request), and its JSON is somewhat larger. */
  readonly lineBytes: number;
}

export interface WatchDeps {
  readonly transport: Pick<KubeTransport, 'open'>;
  readonly clock: Clock;
}

/**
 * Events of one connection, in order. Returns when the server ends the watch; throws a `KubeError` or the signal's reason. The connection
 * is closed at the end of the iteration in any case.
 */
export async function* watchEvents<T extends KubeObject>(
  { transport, clock }: WatchDeps,
  request: KubeRequest & { readonly resource: Resource<T>; readonly timeoutSeconds: number },
  limits: WatchLimits,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const { what, resource, timeoutSeconds } = request;
  using life = createLifeline(clock, signal);
  const unanswered = life.limit(limits.callMs, () => late(request, limits.callMs));
  const body = await transport.open(request, life.signal);
  unanswered();
  life.limit(1000 * timeoutSeconds + limits.overtimeMs, () =>
    broken(what, 'Overdue', `did not end after ${timeoutSeconds} s`),
  );

  async function* heard(): AsyncGenerator<Uint8Array> {
    const silent = (): KubeError => broken(what, 'Silent', `silent for ${limits.silenceMs} ms`);
    let quiet = life.limit(limits.silenceMs, silent);
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      quiet();
      yield chunk;
      quiet = life.limit(limits.silenceMs, silent);
    }
  }

  try {
    for await (const line of lines(heard(), limits.lineBytes, (fault) => badAnswer(what, FAULTS[fault]))) {
      life.signal.throwIfAborted();
      yield decodeEvent(decodeJson(line, what), resource, {
        what,
        isSecret: isSecretWrite(request),
        nowMs: clock.now(),
      });
    }
  } catch (error) {
    if (life.signal.aborted) throw life.signal.reason;
    throw isLarderError(error) ? error : unreachable(what, error);
  } finally {
    body.destroy();
  }
}

const FAULTS = {
  long: 'expected one event a line, found a longer one',
  cut: 'the watch ended within an event',
} as const;

const EVENT = z.object({ type: z.string(), object: z.unknown() });

const BOOKMARK = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.unknown()).optional(),
  }),
});

function decodeEvent<T extends KubeObject>(
  value: unknown,
  resource: Resource<T>,
  context: { readonly what: string; readonly isSecret: boolean; readonly nowMs: number },
): WatchEvent<T> {
  const { what } = context;
  const { type, object } = EVENT.safeParse(value).data ?? { type: '' };
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: decodeObject(object, resource, what) };
    case 'BOOKMARK': {
      const bookmark = BOOKMARK.safeParse(object).data;
      if (bookmark === undefined) throw badAnswer(what, 'expected a bookmark with a version');
      const { resourceVersion, annotations } = bookmark.metadata;
      return { type, resourceVersion, initialEventsEnd: annotations?.[INITIAL_EVENTS_END] === 'true' };
    }
    case 'ERROR':
      throw statusError(object, context);
    default:
      throw badAnswer(what, 'expected an event of a watch');
  }
}

/** `meta/v1.InitialEventsAnnotationKey`. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

function broken(what: string, reason: 'Silent' | 'Overdue', problem: string): KubeError {
  return new KubeError(`${what}: ${problem}`, { httpStatus: undefined, reason });
}
