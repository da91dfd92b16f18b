import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LarderError } from './errors.ts';
import { endsWithin, sleep, type Clock } from './clock.ts';

/**
 * Host and port of a listener. Port 0 picks a free port. The host `::` is every address of both families, or of IPv4 alone on a machine
 * without IPv6.
 */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Starts listening and returns the host and port in use. Throws `ADDRESS_IN_USE`, with advice. */
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
    // Without a host Node.js listens as on `::`, but also on a machine without IPv6.
    const { port, host } = address;
    server.listen(host === '::' ? { port } : { port, host }, () => {
      server.removeListener('error', onError);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

/** Reads `HOST:PORT`, with an IPv6 host in brackets; undefined for anything else. */
export function readAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Time after which closed connections are gone. */
const CLOSED_MS = 500;

/**
 * Ends a server in order. Answers until no response runs, at most for `limitMs`, and then cuts the rest. New clients are served
 * meanwhile, or refused if `newcomers` says so.
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
  // Half-sent requests are neither idle nor running.
  server.closeAllConnections();
  // Only the kernel knows a TLS client that connects and does not greet. Such a connection ends with the process.
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
