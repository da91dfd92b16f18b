import type { ServerOptions } from 'node:https';

/** How long a listener waits for its clients, in milliseconds. */
export interface ClientLimits {
  /** For the TLS handshake, from when the connection stands. */
  readonly handshakeMs: number;
  /** For a request, its body included, from its first byte; for the first one from when the connection is ready for it. */
  readonly requestMs: number;
  /** From an answer to the next request. */
  readonly idleMs: number;
  /** How often slow requests are looked for: they may take that much longer. */
  readonly checkMs: number;
}

/**
 * A handshake and half a request together are cut off within 70 s: 10 s, 45 s and 5 s, and 5 s in which the client may read why. Go's
 * clients give a handshake 10 s as well, and send a request at once.
 *
 * An idle connection is given up after 20 s, so that the descriptors of a load are free again within 30 s. Go's clients keep theirs for 30 s
 * (containerd) to 90 s, and ask again over a new one when they meet the end of an old one; Node's obey the `Keep-Alive` that tells them.
 */
export const CLIENT_LIMITS: ClientLimits = {
  handshakeMs: 10_000,
  requestMs: 45_000,
  idleMs: 20_000,
  checkMs: 5_000,
};

/** The limits as options of a server of `node:http` or `node:https`. */
export function limitOptions({ handshakeMs, requestMs, idleMs, checkMs }: ClientLimits): LimitOptions {
  return {
    handshakeTimeout: handshakeMs,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
  };
}

type LimitOptions = Pick<
  ServerOptions,
  | 'handshakeTimeout'
  | 'headersTimeout'
  | 'requestTimeout'
  | 'keepAliveTimeout'
  | 'connectionsCheckingInterval'
>;

/** True for the `clientError` of a request that did not arrive in time. */
export function isRequestTimeout(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
