import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { LarderError } from '../../kit/errors.ts';
import { addressScope } from '../../upstream/http/address.ts';

/** The connection by which a request reached the process. */
export type Connection = Pick<Socket, 'remoteAddress'> & Partial<Pick<TLSSocket, 'encrypted'>>;

/**
 * Throws `TLS_REQUIRED` unless passwords and tokens are safe from listeners: over TLS, from this machine, or behind a proxy
 * that ends TLS, which an `https` address in `--external-url` declares.
 */
export function requireConfidential(connection: Connection, externalUrl: URL | undefined): void {
  if (isEncrypted(connection) || externalUrl?.protocol === 'https:') return;
  const { remoteAddress } = connection;
  if (remoteAddress !== undefined && addressScope(remoteAddress) === 'loopback') return;
  throw new LarderError('TLS_REQUIRED', 'a login must not cross the network in clear', {
    hint:
      'connect with https (--tls-cert, --tls-key), or set --external-url to the https address of the proxy ' +
      'that stands in front of Larder',
  });
}

export function isEncrypted(connection: Connection): boolean {
  return connection.encrypted === true;
}
