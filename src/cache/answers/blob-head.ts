import type { Digest } from '../../oci/digest.ts';
import { OCTET_STREAM } from '../../oci/media-types.ts';
import { contentRange, parseRange, type ByteRange } from '../../oci/range.ts';
import { sendRangeError } from '../http/error-answer.ts';
import { baseHeaders, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { BODY_END } from '../pull/direct-body.ts';

/**
 * Sets status and headers for a body of known size. Returns the bytes to send, or undefined if the answer is complete. Every range is
 * honoured: a client that got one part as 206 takes a later 200 for that part (containerd 2.1 to 2.3).
 */
export function beginBlob(
  exchange: RegistryExchange,
  size: number,
  status: CacheStatus,
  headers: Headers,
): ByteRange | undefined {
  const { response } = exchange;
  const requested = parseRange(exchange.range, size);
  if (requested.kind === 'unsatisfiable') {
    sendRangeError(exchange, size);
    return undefined;
  }
  const range = requested.kind === 'full' ? { start: 0, end: size } : requested.range;
  exchange.status = status;
  setHeaders(exchange, requested.kind === 'full' ? 200 : 206, {
    ...baseHeaders(exchange, status),
    ...headers,
    'Content-Length': range.end - range.start,
    ...(requested.kind === 'range' && { 'Content-Range': contentRange(range, size) }),
  });
  if (exchange.isHead) {
    response.end();
    return undefined;
  }
  return range;
}

/** Sets status and headers for a body whose size the upstream has not given: chunked, and ranges are ignored. */
export function beginUnsizedBlob(exchange: RegistryExchange, status: CacheStatus, digest: Digest): ByteRange {
  exchange.status = status;
  setHeaders(exchange, 200, { ...baseHeaders(exchange, status), ...blobHeaders(digest) });
  return { start: 0, end: BODY_END };
}

/** Does not call `writeHead`: until the first byte goes out, an error can still become an error document. */
function setHeaders(exchange: RegistryExchange, code: number, headers: Headers): void {
  exchange.response.statusCode = code;
  for (const [name, value] of Object.entries(headers)) exchange.response.setHeader(name, value);
}

export function blobHeaders(digest: Digest): Headers {
  return {
    'Content-Type': OCTET_STREAM,
    'Docker-Content-Digest': digest,
    ETag: `"${digest}"`,
    'Accept-Ranges': 'bytes',
  };
}

/** The part of `range` that is still to be sent. */
export function unsent(exchange: RegistryExchange, range: ByteRange): ByteRange {
  return { start: range.start + exchange.sentBytes, end: range.end };
}

/**
 * Returns the range to go on with after damage was found under an answer. Undefined as long as no header is out: then the answer
 * begins again, without the headers that the next attempt may not set because it may not know the size.
 */
export function rangeToResume(
  { response }: RegistryExchange,
  range: ByteRange | undefined,
): ByteRange | undefined {
  if (response.headersSent) return range;
  for (const name of ['Age', 'Content-Length', 'Content-Range']) response.removeHeader(name);
  return undefined;
}
