import type { ServerOptions } from 'node:https';

/** Time-outs and sizes that a listener grants its clients. Times are in milliseconds. */
export interface ClientLimits {
  /** Time for the TLS handshake, from the accepted connection on. */
  readonly handshakeMs: number;
  /** Time for a request with its body, from its first byte; for the first request from the moment at which the connection is ready. */
  readonly requestMs: number;
  /** Time from an answer to the next request. */
  readonly idleMs: number;
  /** Interval of the search for slow requests, which may take that much longer. */
  readonly checkMs: number;
  /** All header lines of one request together, in bytes. */
  readonly headerBytes: number;
}

/**
 * The limits of a listener for registry clients.
 *
 * Cuts off a handshake followed by half a request within 65 s: 10 s, 45 s and 5 s, then 5 s in which the client may read the
 * reason. Go's clients give a handshake 10 s as well, and send a request at once.
 *
 * Closes an idle connection after 20 s, so that the descriptors of a load are free again within 30 s. Go's clients keep connections
 * for 30 s (containerd) to 90 s, and repeat a request over a new connection when the old one has ended. Node's clients obey
 * `Keep-Alive`.
 *
 * Takes 64 KiB of headers, because tokens of large registries exceed Node's default of 16 KiB.
 */
export const CLIENT_LIMITS: ClientLimits = {
  handshakeMs: 10_000,
  requestMs: 45_000,
  idleMs: 20_000,
  checkMs: 5_000,
  headerBytes: 64 * 1024,
};

/** Options of a server of `node:http` or `node:https`. */
export function listenerOptions({
  handshakeMs,
  requestMs,
  idleMs,
  checkMs,
  headerBytes,
}: ClientLimits): ListenerOptions {
  return {
    handshakeTimeout: handshakeMs,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
    maxHeaderSize: headerBytes,
  };
}

type ListenerOptions = Pick<
  ServerOptions,
  | 'handshakeTimeout'
  | 'headersTimeout'
  | 'requestTimeout'
  | 'keepAliveTimeout'
  | 'connectionsCheckingInterval'
  | 'maxHeaderSize'
>;

/** True for the `clientError` of a request that did not arrive in time. */
export function isRequestTimeout(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
