/** A listener that counts its connections, can refuse them, and can come back on the same port. */
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import type { CertificateFlaw, TestPki } from '../certificate.ts';
import type { Place } from '../place.ts';

/** Failures of a TLS handshake: the connection is closed, nothing comes, or the certificate is invalid. */
export type TlsFailure = 'close' | 'hang' | CertificateFlaw;

export interface Connections {
  /** Opened since the start or the last reset. */
  readonly opened: number;
  readonly open: number;
  /** Most at one time since the start or the last reset. */
  readonly peak: number;
}

export interface Origin {
  /** `http://127.0.0.1:12345`, without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:12345`. */
  readonly host: string;
  readonly port: number;
  readonly connections: Connections;
  /** Closes the listener and all connections: from now on they are refused. */
  refuse(): Promise<void>;
  /** Listens again on the same port, which no other program gets meanwhile. */
  accept(): Promise<void>;
  /** Closes the listener and all connections, for good. */
  close(): Promise<void>;
  /** Closes all connections now, running responses included. */
  hangUp(): void;
  /** Makes TLS handshakes fail from now on; undefined ends that. Open connections stay. */
  breakTls(failure: TlsFailure | undefined): void;
}

/** One connection, as the handler of a request sees it. */
export interface Connection {
  /** Number of the connection, from 1 since the start. */
  readonly number: number;
  /** Closes it: `fin` lets what was sent arrive, `rst` may not. */
  end(how: 'fin' | 'rst'): void;
}

export interface OriginOptions {
  /** An address of this machine's loopback, or of the place. */
  readonly address: string;
  /** A free one by default. */
  readonly port?: number | undefined;
  /** Place of the listener; beside the test by default. */
  readonly place?: Pick<Place, 'listen'> | undefined;
  /** Speaks TLS with its certificate. */
  readonly pki: TestPki | undefined;
}

export type OriginListener = (
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
) => void;

/**
 * Opens a listener on a free port. The TCP listener is apart from the HTTP server, so that a connection need not reach the server (a
 * handshake that hangs), and so that a listener can close and come back without the server.
 */
export async function openOrigin(
  { address, port: wanted = 0, place = BESIDE, pki }: OriginOptions,
  listener: OriginListener,
): Promise<Origin & { resetConnections(): void }> {
  const open = new Map<string, { socket: Socket; connection: Connection }>();
  const connections = { opened: 0, open: 0, peak: 0 };
  let connectionNumber = 0;
  let tlsFailure: TlsFailure | undefined;

  const http = createServerFor(pki, (request, response) => {
    const entry = open.get(peerOf(request.socket));
    if (entry) listener(request, response, entry.connection);
  });
  // allowHalfOpen, as in node:http itself, so that a client's FIN after its request does not end the exchange.
  const tcp = createServer({ allowHalfOpen: !pki, noDelay: true }, (socket) => {
    const peer = peerOf(socket);
    connectionNumber += 1;
    open.set(peer, {
      socket,
      connection: {
        number: connectionNumber,
        // A connection that is ending cannot be reset: Node.js 24 would never close it (`reset EINVAL`), and this process would never end.
        end: (how) =>
          void (how === 'rst' && !socket.writableEnded ? socket.resetAndDestroy() : socket.destroy()),
      },
    });
    connections.opened += 1;
    connections.open += 1;
    connections.peak = Math.max(connections.peak, connections.open);
    socket.on('error', () => {});
    socket.once('close', () => {
      open.delete(peer);
      connections.open -= 1;
    });
    if (tlsFailure === 'close') socket.destroy();
    else if (tlsFailure !== 'hang') http.emit('connection', socket);
  });

  await place.listen(tcp, { address, port: wanted });
  const { port } = tcp.address() as AddressInfo;
  const host = `${address}:${port}`;

  function hangUp(): void {
    for (const { socket } of open.values()) socket.destroy();
  }

  let held: AsyncDisposable | undefined;

  async function stop(): Promise<void> {
    if (!tcp.listening) return;
    const closed = [...open.values()].map(({ socket }) => once(socket, 'close'));
    tcp.close();
    hangUp();
    await Promise.all(closed);
  }

  async function letGo(): Promise<void> {
    await held?.[Symbol.asyncDispose]();
    held = undefined;
  }

  return {
    url: `${pki ? 'https' : 'http'}://${host}`,
    host,
    port,
    connections,
    async refuse() {
      await stop();
      // A port in another place, or one that the test chose, is not among those that the kernel gives.
      if (place === BESIDE && wanted === 0) held ??= await holdPort(address, port);
    },
    async accept() {
      if (!tcp.listening) await place.listen(tcp, { address, port });
      await letGo();
    },
    async close() {
      await stop();
      await letGo();
    },
    hangUp,
    breakTls(failure) {
      if (!pki || !('setSecureContext' in http))
        throw new Error(`${host} speaks no TLS: start it with tls: true`);
      tlsFailure = failure;
      http.setSecureContext(pki.server(failure === 'close' || failure === 'hang' ? undefined : failure));
    },
    resetConnections() {
      connections.opened = 0;
      connections.peak = connections.open;
    },
  };
}

function createServerFor(
  pki: TestPki | undefined,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server | ReturnType<typeof createHttpsServer> {
  const options = { maxHeaderSize: 64 * 1024, keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 };
  const server = pki
    ? createHttpsServer({ ...options, ...pki.server() }, listener)
    : createHttpServer(options, listener);
  // A handshake that fails is the client's business, and often the test's purpose.
  server.on('tlsClientError', () => {});
  return server;
}

/** The test's own network. */
const BESIDE: Pick<Place, 'listen'> = { listen };

/** Longer than any client idles. An upstream that closes idle connections would hide whether clients reuse theirs. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Keeps the kernel from giving a port to another program while connections to it are refused: a client's end of a connection has it.
 */
async function holdPort(address: string, port: number): Promise<AsyncDisposable> {
  const keeper = createServer();
  await listen(keeper, { address, port: 0 });
  const accepted = once(keeper, 'connection') as Promise<[Socket]>;
  const { port: to } = keeper.address() as AddressInfo;
  const socket = connect({ host: address, port: to, localAddress: address, localPort: port });
  await once(socket, 'connect');
  const [other] = await accepted;
  other.on('error', () => {});
  return {
    async [Symbol.asyncDispose]() {
      const closed = [keeper, other, socket].map(
        (one) => new Promise((resolve) => one.once('close', resolve)),
      );
      keeper.close();
      // Leaves no rest of the connection, which would have the port for a minute.
      socket.resetAndDestroy();
      other.destroy();
      await Promise.all(closed);
    },
  };
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

function listen(server: TcpServer, { address, port }: Parameters<Place['listen']>[1]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
