import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LarderError } from './errors.ts';
import { sleep, type Clock } from './clock.ts';
import { endsWithin } from './ends-within.ts';

/** Where a listener listens. Port 0 picks a free one. The host `::` is every address of both families; of IPv4 alone where there is no IPv6. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Starts listening; gives the host and port in use. Throws `ADDRESS_IN_USE` with what to do. */
export function listen(server: Server, address: Address, flag: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(
        new LarderError('ADDRESS_IN_USE', `cannot listen on ${formatAddress(address)}: ${reason(error)}`, {
          hint: `choose another address with ${flag}`,
          cause: error,
        }),
      );
    };
    server.once('error', onError);
    // Without a host Node.js does the same as with `::`, and can do without IPv6.
    const { port, host } = address;
    server.listen(host === '::' ? { port } : { port, host }, () => {
      server.removeListener('error', onError);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Connections that we have closed are gone within this time. */
const CLOSED_MS = 500;

/**
 * Ends a server in order: goes on answering until no response runs, at most `limitMs`; what still runs then is cut. `newcomers`, who connect
 * meanwhile, are served as well, or refused.
 */
export async function drain(
  server: Server,
  running: () => number,
  clock: Clock,
  limitMs: number,
  newcomers: 'served' | 'refused' = 'served',
): Promise<void> {
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  const refusing = newcomers === 'refused' ? close() : undefined;
  const deadline = clock.monotonic() + limitMs;
  while (running() > 0 && clock.monotonic() < deadline) await sleep(clock, 20);
  const closed = refusing ?? close();
  // Connections that are neither idle nor answering (half-sent requests) do not count as running.
  server.closeAllConnections();
  // A client of a TLS listener that connects and does not greet is known to the kernel alone; it ends with the process.
  await endsWithin(clock, closed, CLOSED_MS);
}

function reason(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.message;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
};
