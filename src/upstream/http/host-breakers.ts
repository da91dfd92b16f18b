import { createRecentMap } from '../../kit/recent-map.ts';
import type { Clock } from '../../kit/clock.ts';
import { isLarderError, LarderError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { UpstreamMetrics } from '../metrics.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { createReachability } from './reachability.ts';
import type { UpstreamTransport } from './transport.ts';

export interface HostBreakersDeps {
  readonly clock: Clock;
  readonly metrics: UpstreamMetrics;
  readonly logger: Logger;
}

export interface HostBreakersOptions {
  /** The upstream's name in the metrics. */
  readonly name: string;
  readonly remote: URL;
}

/** Hosts with a remembered circuit breaker: the registry, its token server, its storage, with room for regional names. */
const HOSTS = 64;

/**
 * Gives each host a circuit breaker. While a breaker is open its host gets no request, and `UPSTREAM_BREAKER_OPEN` is thrown. Keeps the
 * gauge `larder_upstream_up` by the requests to the registry itself.
 */
export function withHostBreakers(
  next: UpstreamTransport,
  { clock, metrics, logger }: HostBreakersDeps,
  { name, remote }: HostBreakersOptions,
): UpstreamTransport {
  const up = metrics.upstreamUp.labels({ upstream_host: name });
  up.set(1);
  const reachability = createReachability((isReached) => up.set(isReached ? 1 : 0));
  const registry = new CircuitBreaker(clock, (isClosed) => {
    if (isClosed) logger.info('the upstream answers again', { host: remote.host });
    else
      logger.warn('the upstream does not answer and is left alone for some seconds', { host: remote.host });
  });
  const others = createRecentMap<string, CircuitBreaker>(HOSTS);

  function breakerOf(url: URL): CircuitBreaker {
    if (url.origin === remote.origin) return registry;
    const breaker = others.get(url.origin) ?? new CircuitBreaker(clock);
    others.set(url.origin, breaker);
    return breaker;
  }

  return async (request) => {
    const breaker = breakerOf(request.url);
    if (breaker.waitMs > 0) throw breakerOpen(request.url, breaker.waitMs);
    const pass = breaker.pass();
    const noteReached = breaker === registry ? reachability.begin() : () => {};
    try {
      const answer = await next(request);
      pass.succeeded();
      noteReached(true);
      return answer;
    } catch (error) {
      if (request.signal.aborted || !isLarderError(error)) throw error;
      const { code } = error;
      if (code === 'UPSTREAM_UNREACHABLE' || code === 'UPSTREAM_TIMEOUT') {
        pass.failed();
        noteReached(false);
      }
      if (code === 'UPSTREAM_BAD_ANSWER') noteReached(true);
      throw error;
    }
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
