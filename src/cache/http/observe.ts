import type { Logger } from '../../kit/logger.ts';
import type { BytesFrom, CacheMetrics } from '../metrics.ts';
import type { Clock } from '../../kit/clock.ts';
import type { CacheStatus } from './cache-status.ts';
import type { RegistryExchange } from './exchange.ts';

/** Sums of one upstream for `/api/v1/stats`, kept beside the metrics. */
export interface RequestTotals {
  requests: number;
  hits: number;
  misses: number;
  clientBytes: number;
  bytesFromStore: number;
}

/** Counts every finished exchange in the metrics, and logs it at `debug`. */
export function createObserver(metrics: CacheMetrics, logger: Logger, clock: Clock) {
  const totals = new Map<string, RequestTotals>();

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

  function sumsOf(upstream: string): RequestTotals {
    let sums = totals.get(upstream);
    if (sums === undefined) {
      sums = { requests: 0, hits: 0, misses: 0, clientBytes: 0, bytesFromStore: 0 };
      totals.set(upstream, sums);
    }
    return sums;
  }

  return { observe, totals: totals as ReadonlyMap<string, RequestTotals> };
}

/** Kinds that count as hits: the content came from the cache, whether or not the upstream was asked first. */
const HITS: ReadonlySet<CacheStatus['kind']> = new Set(['hit', 'proven', 'stale', 'revalidated']);

function fromStore(source: BytesFrom): boolean {
  return source === 'hit' || source === 'stale' || source === 'join';
}

/** Leaves out query strings, since those of clients may hold secrets. */
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
