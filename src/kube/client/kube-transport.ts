import type { IncomingMessage } from 'node:http';
import { sleep, type Clock } from '../../kit/clock.ts';
import { errorText, isLarderError } from '../../kit/errors.ts';
import { parseJson } from '../../kit/json.ts';
import { readBody } from '../../kit/read-body.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import type { WatchMetrics } from '../metrics.ts';
import { TokenBucket, type Rate } from '../../kit/token-bucket.ts';
import type { KubeConnection } from '../connection/connection.ts';
import { isKubeError, KubeError } from '../kube-error.ts';
import type { Resource } from '../types.ts';
import { acceptOf } from './accept.ts';
import { createHttpConnections, type RequestKind } from './http-connections.ts';
import { badAnswer, decodeJson } from './decode.ts';
import { resourceName } from './resource-path.ts';
import { statusError } from './status-error.ts';

export interface KubeRequest {
  /** `get`, `list`, `watch`, ...: for metrics. */
  readonly verb: string;
  /** Name of the call, for messages. */
  readonly what: string;
  readonly resource: Resource;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: { readonly contentType: string; readonly content: unknown } | undefined;
}

export interface KubeTransportDeps {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly metrics: Pick<WatchMetrics, 'kubeRequests'>;
  /**
   * Called immediately before each write is sent, also after waiting for a turn or a `Retry-After`. If it throws, the call throws the same
   * and nothing is sent.
   */
  readonly beforeWrite?: () => void;
}

export interface KubeTransportLimits {
  readonly rate: Rate;
  /** Limit for a call with its whole answer, or for the headers of a watch. */
  readonly callMs: number;
  readonly answerBytes: number;
}

/** Sends requests to the API server: credentials, limits, retries and errors, the same for all. */
export interface KubeTransport {
  /** Sends a request and parses its answer. Retries where the server says when, see {@link TRIES}. */
  call(request: KubeRequest, signal: AbortSignal): Promise<unknown>;
  /** Begins a watch. Its body lasts as long as `signal`. One try: the caller has its own pauses. */
  open(request: KubeRequest, signal: AbortSignal): Promise<IncomingMessage>;
  close(): Promise<void>;
}

/** Throws `KubeError`, `KUBE_CONNECTION_INVALID`, and the reason of the signal. */
export function createKubeTransport(
  { connection, clock, metrics, beforeWrite = () => {} }: KubeTransportDeps,
  { userAgent, limits }: { readonly userAgent: string; readonly limits: KubeTransportLimits },
): KubeTransport {
  const { origin, pathname } = new URL(connection.server);
  const connections = createHttpConnections(origin, clock);
  const bucket = new TokenBucket(clock, limits.rate);

  async function attempt(request: KubeRequest, parent: AbortSignal): Promise<unknown> {
    using life = createLifeline(clock, parent);
    life.limit(limits.callMs, () => late(request, limits.callMs));
    return await guarded(request, life.signal, async () => {
      const answer = await send(request, 'call', life.signal);
      return decodeJson(await readText(answer, limits.answerBytes, request.what), request.what);
    });
  }

  /** Asks once, and after a 401 once more with newer credentials. */
  async function send(
    request: KubeRequest,
    kind: RequestKind,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    await bucket.wait(signal);
    let answer = await exchange(request, kind, signal);
    if (answer.statusCode === 401) {
      answer.resume();
      connection.refresh();
      answer = await exchange(request, kind, signal);
    }
    const { statusCode: httpStatus = 0 } = answer;
    if (httpStatus >= 200 && httpStatus < 300) return answer;
    // The body adds detail, but a refusal counts without it too.
    const text = await readText(answer, REFUSAL_BYTES, request.what).catch(() => '');
    throw statusError(parseJson(text), {
      what: request.what,
      isSecret: isSecretWrite(request),
      httpStatus,
      retryAfter: answer.headers['retry-after'],
      nowMs: clock.now(),
    });
  }

  async function exchange(
    request: KubeRequest,
    kind: RequestKind,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { tls, authorization } = await connection.access(signal);
    const { method, body } = request;
    let code = 'error';
    try {
      const content = body && JSON.stringify(body.content);
      if (method !== 'GET') beforeWrite();
      const answer = await connections.send(
        {
          method,
          path: pathWithQuery(pathname, request),
          headers: {
            accept: acceptOf(request),
            'user-agent': userAgent,
            ...(authorization !== undefined && { authorization }),
            ...(body !== undefined && { 'content-type': body.contentType }),
            ...(content !== undefined && { 'content-length': String(Buffer.byteLength(content)) }),
          },
          body: content,
          tls,
        },
        kind,
        signal,
      );
      code = String(answer.statusCode);
      return answer;
    } finally {
      metrics.kubeRequests.inc({ resource: resourceName(request.resource), verb: request.verb, code });
    }
  }

  return {
    async call(request, signal) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt(request, signal);
        } catch (error) {
          const waitMs = tries < TRIES ? serversWait(error) : undefined;
          if (waitMs === undefined) throw error;
          await sleep(clock, waitMs, signal);
        }
      }
    },
    async open(request, parent) {
      // Not limited in time: the body ends with the parent.
      return await guarded(request, parent, () => send(request, 'watch', parent));
    },
    close: async () => connections.close(),
  };
}

/** Tries of one call, if the server answers 429 or 503 with a `Retry-After` of at most {@link LONGEST_WAIT_SECONDS}. */
const TRIES = 4;
/** For a longer wait a queue's back-off takes over, where the wait is visible. */
const LONGEST_WAIT_SECONDS = 10;
/** A Status takes some hundred bytes, or some kilobytes with a cause for each field of a large object. */
const REFUSAL_BYTES = 256 * 1024;

function serversWait(error: unknown): number | undefined {
  if (!isKubeError(error) || (error.httpStatus !== 429 && error.httpStatus !== 503)) return undefined;
  const seconds = error.retryAfterSeconds;
  return seconds === undefined || seconds > LONGEST_WAIT_SECONDS ? undefined : 1000 * seconds;
}

/** Runs `work`. Errors of the connection become a `KubeError`; an aborted signal throws its reason. */
async function guarded<T>(request: KubeRequest, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isLarderError(error) ? error : unreachable(request.what, error);
  }
}

/** Error of a connection that could not be made or broke. */
export function unreachable(what: string, error: unknown): KubeError {
  return new KubeError(`${what}: ${errorText(error)}`, {
    httpStatus: undefined,
    reason: 'Unreachable',
    cause: error,
  });
}

export function late({ what }: KubeRequest, ms: number): KubeError {
  return new KubeError(`${what}: no complete answer within ${ms} ms`, {
    httpStatus: undefined,
    reason: 'Timeout',
  });
}

/** True for writes of Secrets: the request contains the Secret, and a refusal may quote it. */
export function isSecretWrite({ resource, method }: Pick<KubeRequest, 'resource' | 'method'>): boolean {
  return resource.group === '' && resource.plural === 'secrets' && method !== 'GET';
}

async function readText(body: IncomingMessage, limit: number, what: string): Promise<string> {
  const content = await readBody(body, limit, () => badAnswer(what, `expected at most ${limit} bytes`));
  return content.toString('utf8');
}

function pathWithQuery(prefix: string, { path, query = {} }: KubeRequest): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  const search = parameters.toString();
  return prefix.replace(/\/$/, '') + path + (search === '' ? '' : `?${search}`);
}
