import type { Clock } from '../../kit/clock.ts';
import { LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { redactUrl } from '../../kit/redact.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import type { UpstreamRequestKind } from '../types.ts';
import type { Dispatchers } from './dispatchers.ts';
import { exchange, type ExchangeRequest, type UpstreamExchange } from './exchange.ts';
import { isBrokenConnection, upstreamFailure } from './failure.ts';
import type { UpstreamLimits } from './limits.ts';

export interface TransportRequest extends ExchangeRequest {
  /** Label of the metrics. */
  readonly kind: UpstreamRequestKind;
}

/**
 * Sends one HTTP request and resolves with the answer, whatever its status.
 * @throws `UPSTREAM_UNREACHABLE`, `UPSTREAM_TIMEOUT`, `UPSTREAM_BREAKER_OPEN`, `UPSTREAM_BAD_ANSWER`,
 *   `UPSTREAM_FORBIDDEN_ADDRESS`, `OVERLOADED`, and the signal's reason.
 */
export type UpstreamTransport = (request: TransportRequest) => Promise<UpstreamExchange>;

export interface CountedExchangeDeps {
  readonly clock: Clock;
  readonly metrics: UpstreamMetrics;
  readonly logger: Logger;
  readonly dispatchers: Dispatchers;
}

export interface CountedExchangeOptions {
  /** The upstream's name in the metrics. */
  readonly name: string;
  /** `larder/<version>`. */
  readonly userAgent: string;
  readonly limits: UpstreamLimits;
}

/** Sends requests over the connections of one upstream, counts them and their bytes, and turns failures into errors of the table. */
export function createCountedExchange(
  { clock, metrics, logger, dispatchers }: CountedExchangeDeps,
  { name, userAgent, limits }: CountedExchangeOptions,
): UpstreamTransport {
  function count({ method, kind, url }: TransportRequest, code: string): void {
    if (logger.enabled('debug'))
      logger.debug('upstream request', { method, kind, url: redactUrl(url), code });
    metrics.upstreamRequests.inc({ upstream_host: name, method, kind, code });
  }

  return async (request) => {
    const onBytes = byteCounter(metrics, name, request.kind);
    const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers };
    try {
      const dispatcher = dispatchers.pick(request.url);
      const answer = await exchange(dispatcher, { ...request, headers }, { clock, limits, onBytes });
      count(request, String(answer.status));
      return answer;
    } catch (error) {
      if (request.signal.aborted) throw error;
      const failure = upstreamFailure(request.url.host, error);
      count(request, failure.code === 'UPSTREAM_TIMEOUT' ? 'timeout' : 'error');
      throw failure;
    }
  };
}

/**
 * Repeats a request once whose connection broke before the answer began: the server may have closed a kept-alive connection at that
 * moment.
 */
export function withRetry(next: UpstreamTransport): UpstreamTransport {
  return async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (request.signal.aborted || !(error instanceof LarderError) || !isBrokenConnection(error))
        throw error;
      return next(request);
    }
  };
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
