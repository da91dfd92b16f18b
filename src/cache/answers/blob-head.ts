import type { Digest } from '../../oci/digest.ts';
import { OCTET_STREAM } from '../../oci/media-types.ts';
import { contentRange, parseRange, type ByteRange } from '../../oci/range.ts';
import { sendRangeError } from '../http/error-answer.ts';
import { baseHeaders, type Headers } from '../http/answer.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { RegistryExchange } from '../http/exchange.ts';
import { BODY_END } from '../pull/direct-body.ts';

/**
 * Sets status and headers for a body of known size; gives the bytes to send, or undefined when the answer is complete. A range
 * is always honoured: clients that fetched one part as 206 take a later 200 for that part (containerd 2.1 to 2.3).
 */
export function beginBlob(
  exchange: RegistryExchange,
  size: number,
  status: CacheStatus,
  headers: Headers,
): ByteRange | undefined {
  const { response } = exchange;
  const asked = parseRange(exchange.range, size);
  if (asked.kind === 'unsatisfiable') {
    sendRangeError(exchange, size);
    return undefined;
  }
  const range = asked.kind === 'full' ? { start: 0, end: size } : asked.range;
  exchange.status = status;
  setHeaders(exchange, asked.kind === 'full' ? 200 : 206, {
    ...baseHeaders(exchange, status),
    ...headers,
    'Content-Length': range.end - range.start,
    ...(asked.kind === 'range' && { 'Content-Range': contentRange(range, size) }),
  });
  if (exchange.isHead) {
    response.end();
    return undefined;
  }
  return range;
}

/** The upstream did not say how long the body is: chunked, and ranges are ignored until it is known. */
export function beginUnsizedBlob(exchange: RegistryExchange, status: CacheStatus, digest: Digest): ByteRange {
  exchange.status = status;
  setHeaders(exchange, 200, { ...baseHeaders(exchange, status), ...blobHeaders(digest) });
  return { start: 0, end: BODY_END };
}

/** Not `writeHead`: until the first byte goes out, an error can still become a proper answer. */
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
