import { createServer, type Server } from 'node:https';
import {
  CLIENT_LIMITS,
  isRequestTimeout,
  listenerOptions,
  type ClientLimits,
} from '../../kit/client-limits.ts';
import type { Clock } from '../../kit/clock.ts';
import { createClientConnections } from '../../kit/client-connections.ts';
import { drain } from '../../kit/listen.ts';
import type { RelayCertificate } from './relay-certificate.ts';
import type { Relay } from './relay.ts';

/** containerd keeps connections for 30 s; the relay must not be the first to close them. */
const RELAY_LIMITS: ClientLimits = { ...CLIENT_LIMITS, idleMs: 75_000 };

/** HTTPS server that containerd is pointed at. `/healthz` shows that the process lives. */
export function createRelayListener(
  relay: Relay,
  { certificate, key }: RelayCertificate,
  clock: Clock,
  limits = RELAY_LIMITS,
): RelayListener {
  let running = 0;
  const connections = createClientConnections(clock);
  const server = createServer(
    {
      cert: certificate,
      key,
      ALPNProtocols: ['http/1.1'],
      ...listenerOptions(limits),
    },
    (request, response) => {
      running += 1;
      const gone = new AbortController();
      connections.begin(request.socket, response, () => {
        running -= 1;
        gone.abort();
      });
      if (request.url === '/healthz') response.end('ok\n');
      else void relay(request, response, gone.signal);
    },
  );
  server.timeout = 0;
  server.on('clientError', (error, connection) =>
    connections.refuse(
      connection,
      refusal(isRequestTimeout(error) ? '408 Request Timeout' : '400 Bad Request'),
    ),
  );
  return {
    server,
    stop: (limitMs) => drain(server, () => running, clock, limitMs, 'refused'),
  };
}

function refusal(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}

export interface RelayListener {
  readonly server: Server;
  /** Refuses new connections at once, which sends containerd to the origin, and lets running answers end within `limitMs`. */
  stop(limitMs: number): Promise<void>;
}
