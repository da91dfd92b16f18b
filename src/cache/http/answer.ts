import { formatCacheStatus, type CacheStatus } from './cache-status.ts';
import type { RegistryExchange } from './exchange.ts';

export type Headers = Record<string, string | number | string[]>;

/** Node sends headers and a string in one write, but headers and a buffer in two. latin1 keeps every byte as it is. */
const ONE_WRITE_BYTES = 16 * 1024;

/** Sends a whole body from memory. A HEAD gets the same headers and no body. */
export function sendBody(
  exchange: RegistryExchange,
  code: number,
  status: CacheStatus,
  headers: Headers,
  body: Buffer | string,
): void {
  exchange.status = status;
  // Byte counters count content, not error documents.
  if (!exchange.isHead && code < 400) exchange.sentBytes = Buffer.byteLength(body);
  const { response } = exchange;
  response.writeHead(code, {
    ...baseHeaders(exchange, status),
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  if (exchange.isHead) response.end();
  else if (typeof body !== 'string' && body.length <= ONE_WRITE_BYTES)
    response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/** Sends headers only: answers to HEAD, and 304. */
export function sendHead(
  exchange: RegistryExchange,
  code: number,
  status: CacheStatus,
  headers: Headers,
): void {
  exchange.status = status;
  exchange.response.writeHead(code, { ...baseHeaders(exchange, status), ...headers });
  exchange.response.end();
}

/** Headers of every answer. Docker daemons up to 20.10 look for the API version in the answer to the ping. */
export function baseHeaders(exchange: RegistryExchange, status: CacheStatus): Headers {
  return {
    'Cache-Status': formatCacheStatus(status),
    'Docker-Distribution-Api-Version': 'registry/2.0',
    // Proxies on the way must not store an answer that needed a login (RFC 9111, section 3.5).
    ...(exchange.requester?.isApart === true && { 'Cache-Control': 'private, no-transform' }),
    ...echoNamespace(exchange),
  };
}

/** A proxy that used `ns` repeats it in the answer (distribution-spec main, "Registry Proxying"). */
function echoNamespace(exchange: RegistryExchange): Headers {
  const ns = exchange.ns;
  return ns === undefined || exchange.upstreamName !== ns ? {} : { 'OCI-Namespace': ns };
}

/** Seconds for `Age` (RFC 9111, section 5.1). */
export function ageSeconds(now: number, since: number): number {
  return Math.max(0, Math.floor((now - since) / 1000));
}
