import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import { redactUrl } from '../../kit/redact.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { Dispatchers } from './dispatchers.ts';
import { exchange, type UpstreamExchange, type ExchangeRequest } from './exchange.ts';
import { isBrokenConnection, upstreamFailure } from './failure.ts';
import type { UpstreamLimits } from './limits.ts';
import { createReachability } from './reachability.ts';
import type { UpstreamRequestKind } from '../types.ts';

export interface TransportRequest extends ExchangeRequest {
  /** For the metrics. */
  readonly kind: UpstreamRequestKind;
}

/** Sends one HTTP request and counts it. */
export interface UpstreamTransport {
  /**
   * Resolves with the answer, whatever its status.
   * @throws `UPSTREAM_UNREACHABLE`, `UPSTREAM_TIMEOUT`, `UPSTREAM_BREAKER_OPEN`, `UPSTREAM_BAD_ANSWER`,
   *   `UPSTREAM_FORBIDDEN_ADDRESS`, `OVERLOADED`, and the signal's reason.
   */
  send(request: TransportRequest): Promise<UpstreamExchange>;
}

export interface UpstreamTransportDeps {
  readonly clock: Clock;
  readonly metrics: UpstreamMetrics;
  readonly logger: Logger;
  readonly dispatchers: Dispatchers;
}

export interface UpstreamTransportOptions {
  /** The upstream's name in metrics and messages. */
  readonly name: string;
  readonly remote: URL;
  readonly userAgent: string;
  readonly limits: UpstreamLimits;
}

/** Hosts whose breakers are remembered: the registry, its token server, its storage, with room for regional names. */
const HOSTS = 64;

/**
 * A {@link UpstreamTransport} over the dispatchers of one upstream. A connection that broke before the answer began is tried
 * once more, since a kept-alive one may have been closed by the server at that moment. Each host has its breaker.
 */
export function createUpstreamTransport(
  deps: UpstreamTransportDeps,
  options: UpstreamTransportOptions,
): UpstreamTransport {
  const { clock, metrics, logger, dispatchers } = deps;
  const { name, remote, userAgent, limits } = options;
  const up = metrics.upstreamUp.labels({ upstream_host: name });
  up.set(1);
  const reachability = createReachability((isReached) => up.set(isReached ? 1 : 0));
  const registry = new CircuitBreaker(clock, (closed) => {
    if (closed) logger.info('the upstream answers again', { host: remote.host });
    else
      logger.warn('the upstream does not answer and is left alone for some seconds', { host: remote.host });
  });
  const others = new LRUCache<string, CircuitBreaker>({ max: HOSTS });

  function breakerOf(url: URL): CircuitBreaker {
    if (url.origin === remote.origin) return registry;
    const breaker = others.get(url.origin) ?? new CircuitBreaker(clock);
    others.set(url.origin, breaker);
    return breaker;
  }

  async function attempt(request: TransportRequest): Promise<UpstreamExchange> {
    const breaker = breakerOf(request.url);
    if (breaker.waitMs > 0) throw breakerOpen(request.url, breaker.waitMs);
    const pass = breaker.pass();
    const tell = breaker === registry ? reachability.begin() : () => {};
    const onBytes = byteCounter(metrics, name, request.kind);
    const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers };
    try {
      const answer = await exchange(
        dispatchers.pick(request.url),
        { ...request, headers },
        { clock, limits, onBytes },
      );
      pass.succeeded();
      tell(true);
      count(request, String(answer.status));
      return answer;
    } catch (error) {
      if (request.signal.aborted) throw error;
      const failure = upstreamFailure(request.url.host, error);
      if (failure.code === 'UPSTREAM_UNREACHABLE' || failure.code === 'UPSTREAM_TIMEOUT') {
        pass.failed();
        tell(false);
      }
      if (failure.code === 'UPSTREAM_BAD_ANSWER') tell(true);
      count(request, failure.code === 'UPSTREAM_TIMEOUT' ? 'timeout' : 'error');
      throw failure;
    }
  }

  function count({ method, kind, url }: TransportRequest, code: string): void {
    if (logger.enabled('debug'))
      logger.debug('upstream request', { method, kind, url: redactUrl(url), code });
    metrics.upstreamRequests.inc({ upstream_host: name, method, kind, code });
  }

  return {
    async send(request) {
      try {
        return await attempt(request);
      } catch (error) {
        if (request.signal.aborted || !(error instanceof LarderError) || !isBrokenConnection(error))
          throw error;
        return attempt(request);
      }
    },
  };
}

function breakerOpen({ host }: URL, waitMs: number): LarderError {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return new LarderError(
    'UPSTREAM_BREAKER_OPEN',
    `${host} failed several times in a row and is not asked for the next ${retryAfterSeconds} s`,
    { retryAfterSeconds },
  );
}

/** Counts body bytes of the upstream, and those of content into the counter of the Gardener dashboards. */
function byteCounter(
  metrics: UpstreamMetrics,
  name: string,
  kind: UpstreamRequestKind,
): (bytes: number) => void {
  const all = metrics.upstreamBytes.labels({ upstream_host: name });
  const type = kind === 'range' ? 'blob' : kind;
  if (type !== 'blob' && type !== 'manifest') return (bytes) => all.inc(bytes);
  const pulled = metrics.proxyPulledBytes.labels({ upstream_host: name, type });
  return (bytes) => {
    all.inc(bytes);
    pulled.inc(bytes);
  };
}
