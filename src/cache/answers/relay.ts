import { createHash } from 'node:crypto';
import { createDigestHash } from '../../oci/digest.ts';
import { referenceText } from '../../oci/reference.ts';
import type { UpstreamRequestKind, UpstreamResponse } from '../../upstream/types.ts';
import { baseHeaders, sendBody, sendHead, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/route.ts';
import { verifiedBody } from '../pull/verified-body.ts';
import type { Target } from '../upstreams.ts';
import { readManifest } from './manifest-fetch.ts';
import { rewriteLink } from './rewrite-link.ts';

type ContentRoute = Exclude<Route, { kind: 'ping' | 'catalog' }>;

/** Headers of the upstream that a client needs; everything else (cookies, server names) stays behind. */
const RELAYED_HEADERS = [
  'content-type',
  'content-range',
  'accept-ranges',
  'docker-content-digest',
  'etag',
  'oci-filters-applied',
  'oci-subject',
  'retry-after',
  'warning',
  'ratelimit-limit',
  'ratelimit-remaining',
] as const;

/** An upstream's error body is short; more of it is not for clients. */
const ERROR_BODY_LIMIT = 64 * 1024;

/**
 * Passes a request with the caller's own `Authorization` through to its upstream and streams the answer back. Nothing of it is
 * stored, and nothing stored answers it. Whole bodies are still checked against their digest (law 3).
 */
export async function relay(
  exchange: Exchange,
  target: Target,
  route: ContentRoute,
  authorization: string,
): Promise<void> {
  exchange.bytesFrom = 'bypass';
  exchange.contentType = route.kind === 'blob' || route.kind === 'manifest' ? route.kind : undefined;
  const { path, kind } = upstreamPath(exchange, target, route);
  const { accept } = exchange;
  const range = kind === 'blob' ? passedRange(exchange.range) : undefined;
  const response = await target.upstream.client.request({
    method: exchange.isHead ? 'HEAD' : 'GET',
    kind,
    repository: target.repository,
    path,
    credential: { kind: 'caller', authorization, account: hashed(authorization), knownGood: false },
    signal: exchange.signal,
    ...(accept !== undefined && { accept }),
    ...(range !== undefined && { range }),
  });
  try {
    await passOn(exchange, target, route, response);
  } finally {
    response.body.destroy();
  }
}

async function passOn(
  exchange: Exchange,
  target: Target,
  route: ContentRoute,
  response: UpstreamResponse,
): Promise<void> {
  const status: CacheStatus = { kind: 'bypass', detail: 'AUTHORIZATION', status: response.status };
  const headers = relayedHeaders(response, target, route);
  if (exchange.isHead) {
    sendHead(exchange, response.status, status, { ...headers, ...lengthOf(response) });
    return;
  }
  if (response.status >= 400) {
    const body = await response.read(ERROR_BODY_LIMIT);
    sendBody(exchange, response.status, status, headers, body);
    return;
  }
  if (route.kind === 'manifest' && response.status === 200) {
    const record = await readManifest(response, route.reference, 0);
    sendBody(exchange, 200, status, headers, record.content);
    return;
  }
  exchange.status = status;
  exchange.response.statusCode = response.status;
  const all = { ...baseHeaders(exchange, status), ...headers, ...lengthOf(response) };
  for (const [name, value] of Object.entries(all)) exchange.response.setHeader(name, value);
  const body = response.body as AsyncIterable<Buffer>;
  const whole = route.kind === 'blob' && response.status === 200;
  for await (const chunk of whole ? verifiedBody(body, route.digest, createDigestHash(route.digest)) : body) {
    await exchange.write(chunk);
  }
  exchange.response.end();
}

function upstreamPath(
  exchange: Exchange,
  target: Target,
  route: ContentRoute,
): { path: string; kind: UpstreamRequestKind } {
  const base = `/v2/${target.repository}`;
  const params = new URLSearchParams(exchange.params);
  params.delete('ns');
  const query = params.size === 0 ? '' : `?${params.toString()}`;
  switch (route.kind) {
    case 'manifest':
      return { path: `${base}/manifests/${referenceText(route.reference)}`, kind: 'manifest' };
    case 'blob':
      return { path: `${base}/blobs/${route.digest}`, kind: 'blob' };
    case 'tags':
      return { path: `${base}/tags/list${query}`, kind: 'tags' };
    case 'referrers':
      return { path: `${base}/referrers/${route.digest}${query}`, kind: 'referrers' };
  }
}

function hashed(authorization: string): string {
  return createHash('sha256').update(authorization).digest('base64url');
}

/** One open or closed range goes along; anything else means the whole body, which a server may always answer. */
function passedRange(header: string | undefined): { start: number; end?: number } | undefined {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return undefined;
  const start = Number(match[1]);
  return match[2] === '' ? { start } : { start, end: Number(match[2]) + 1 };
}

function relayedHeaders(response: UpstreamResponse, target: Target, route: ContentRoute): Headers {
  const headers: Headers = {};
  for (const name of RELAYED_HEADERS) {
    const value = response.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  const link = response.headers['link'];
  const rewritten = link === undefined ? undefined : rewriteLink(link, target, listPath(route));
  if (rewritten !== undefined) headers['link'] = rewritten;
  if (response.status === 401) headers['www-authenticate'] = [...response.challenges];
  return headers;
}

/** Of a body that is not held in memory. */
function lengthOf({ contentLength }: UpstreamResponse): Headers {
  return contentLength === undefined ? {} : { 'Content-Length': contentLength };
}

function listPath(route: ContentRoute): string {
  return route.kind === 'referrers' ? `referrers/${route.digest}` : 'tags/list';
}
