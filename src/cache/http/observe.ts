import type { Logger } from '../../kit/logger.ts';
import type { BytesFrom, CacheMetrics } from '../metrics.ts';
import type { Clock } from '../../kit/clock.ts';
import type { CacheStatus } from './cache-status.ts';
import type { RegistryExchange } from './exchange.ts';

/** Sums for `/api/v1/stats`, beside the metrics. */
export interface Totals {
  requests: number;
  hits: number;
  misses: number;
  clientBytes: number;
  bytesFromStore: number;
}

/** Notes every finished exchange: metrics once, in one place, and a line at `debug`. */
export function createObserver(metrics: CacheMetrics, logger: Logger, clock: Clock) {
  const totals = new Map<string, Totals>();

  function observe(exchange: RegistryExchange, startedAt: number): void {
    const upstream = exchange.upstreamName;
    if (upstream !== undefined) count(exchange, upstream);
    const decision = exchange.requester?.decision;
    if (decision !== undefined) metrics.accessDecisions.inc({ decision });
    if (logger.enabled('debug')) logger.debug('request', describe(exchange, clock.monotonic() - startedAt));
  }

  function count(exchange: RegistryExchange, upstream: string): void {
    const type = exchange.contentType;
    const { status, sentBytes } = exchange;
    if (sentBytes > 0)
      metrics.clientBytes.inc({ upstream_host: upstream, source: exchange.bytesFrom }, sentBytes);
    if (type === undefined || status === undefined) return;
    const labels = { upstream_host: upstream, type };
    const sums = sumsOf(upstream);
    const hit = HITS.has(status.kind);
    metrics.proxyRequests.inc(labels);
    if (hit) metrics.proxyHits.inc(labels);
    else metrics.proxyMisses.inc(labels);
    if (sentBytes > 0) metrics.proxyPushedBytes.inc(labels, sentBytes);
    sums.requests += 1;
    if (hit) sums.hits += 1;
    else sums.misses += 1;
    sums.clientBytes += sentBytes;
    if (fromStore(exchange.bytesFrom)) sums.bytesFromStore += sentBytes;
  }

  function sumsOf(upstream: string): Totals {
    let sums = totals.get(upstream);
    if (sums === undefined) {
      sums = { requests: 0, hits: 0, misses: 0, clientBytes: 0, bytesFromStore: 0 };
      totals.set(upstream, sums);
    }
    return sums;
  }

  return { observe, totals: totals as ReadonlyMap<string, Totals> };
}

/** What was answered from the cache, whether or not the upstream was asked first. */
const HITS: ReadonlySet<CacheStatus['kind']> = new Set(['hit', 'proven', 'stale', 'revalidated']);

function fromStore(source: BytesFrom): boolean {
  return source === 'hit' || source === 'stale' || source === 'join';
}

/** Query strings stay out: those of clients may hold what they should not. */
function describe(exchange: RegistryExchange, durationMs: number): Record<string, unknown> {
  return {
    request: exchange.id,
    method: exchange.method,
    path: exchange.path,
    upstream: exchange.upstreamName,
    status: exchange.response.statusCode,
    cache: exchange.status?.kind,
    access: exchange.requester?.decision,
    bytes: exchange.sentBytes,
    ms: Math.round(durationMs * 10) / 10,
    ...(exchange.error !== undefined && { error: exchange.error.code }),
    agent: exchange.request.headers['user-agent'],
  };
}
