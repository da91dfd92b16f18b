import { ERROR_TABLE, LarderError } from '../../kit/errors.ts';
import { UpstreamRefusal } from '../../upstream/refusal.ts';
import { formatCacheStatus, type CacheStatus } from './cache-status.ts';
import type { RegistryExchange } from './exchange.ts';
import { LoginRequired } from './login-required.ts';

/** After this long a client may come back when Larder itself had trouble. */
const RETRY_AFTER_SECONDS = 5;

export type Headers = Record<string, string | number | string[]>;

/** Headers of every answer. Old Docker daemons (up to 20.10) look for the API version in the ping. */
export function baseHeaders(exchange: RegistryExchange, status: CacheStatus): Headers {
  return {
    'Cache-Status': formatCacheStatus(status),
    'Docker-Distribution-Api-Version': 'registry/2.0',
    // What somebody had to log in for is not for the caches of proxies on the way (RFC 9111, section 3.5).
    ...(exchange.requester?.isApart === true && { 'Cache-Control': 'private, no-transform' }),
    ...echoNamespace(exchange),
  };
}

/** Sends a whole body from memory; a HEAD gets the same headers and no body. */
export function sendBody(
  exchange: RegistryExchange,
  code: number,
  status: CacheStatus,
  headers: Headers,
  body: Buffer | string,
): void {
  exchange.status = status;
  // Byte counters count content; error documents are none.
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

/** Node sends headers and a string in one write, but headers and a buffer in two; latin1 keeps every byte as it is. */
const ONE_WRITE_BYTES = 16 * 1024;

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

/**
 * Sends the distribution-spec's error document. Must not be called once headers are out. `status` is what the caller knows
 * beyond the error: an upstream's own answer keeps its `fwd`.
 */
export function sendError(exchange: RegistryExchange, error: LarderError, status?: CacheStatus): void {
  exchange.error = error;
  const { oci, status: code } = ERROR_TABLE[error.code];
  const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const document = {
    errors: [{ code: oci, message, ...(error.detail !== undefined && { detail: error.detail }) }],
  };
  const headers: Headers = { 'Content-Type': 'application/json' };
  const retryAfter = error.retryAfterSeconds ?? (code === 503 ? RETRY_AFTER_SECONDS : undefined);
  if (retryAfter !== undefined) headers['Retry-After'] = Math.max(1, Math.ceil(retryAfter));
  if (isChallenge(error)) headers['WWW-Authenticate'] = [...error.challenges];
  if (error.code === 'UNSUPPORTED') headers['Allow'] = exchange.allow;
  sendBody(exchange, code, status ?? statusOf(error), headers, JSON.stringify(document));
}

function isChallenge(error: LarderError): error is UpstreamRefusal | LoginRequired {
  const hasChallenges = error instanceof UpstreamRefusal || error instanceof LoginRequired;
  return hasChallenges && error.challenges.length > 0 && error.status === 401;
}

/** What went wrong at the upstream was forwarded to it; the rest is Larder's own answer. */
function statusOf(error: LarderError): CacheStatus {
  if (error instanceof UpstreamRefusal)
    return { kind: 'miss', status: error.upstreamStatus, detail: error.code };
  return { kind: 'error', detail: error.code };
}

/** 416 with the size (RFC 9110, section 15.5.17). */
export function sendRangeError(exchange: RegistryExchange, size: number): void {
  const error = new LarderError('RANGE_INVALID', `the range lies outside the ${size} bytes of the blob`);
  exchange.response.setHeader('Content-Range', `bytes */${size}`);
  sendError(exchange, error);
}

/** Seconds for `Age` (RFC 9111, section 5.1). */
export function ageSeconds(now: number, since: number): number {
  return Math.max(0, Math.floor((now - since) / 1000));
}

/** True when `If-None-Match` names this digest (RFC 9110, section 13.1.2). containerd never sends it, and could not use a 304. */
export function notModified(exchange: RegistryExchange, etag: string): boolean {
  const header = exchange.request.headers['if-none-match'];
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const tag = part.trim().replace(/^W\//, '');
    return tag === etag || tag === '*';
  });
}

/** A proxy that used `ns` says so (distribution-spec main, "Registry Proxying"). */
function echoNamespace(exchange: RegistryExchange): Headers {
  const ns = exchange.ns;
  return ns === undefined || exchange.upstreamName !== ns ? {} : { 'OCI-Namespace': ns };
}
