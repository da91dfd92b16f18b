import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A client's connection byte by byte, for requests and endings that no HTTP client has. */
export interface RawConnection extends Disposable {
  /** All received bytes so far, as Latin-1. */
  readonly received: string;
  /** True when the server has ended its side, or the connection is broken. */
  readonly isOver: boolean;
  /** Resolves when the kernel has the bytes, or the connection is broken. Text is Latin-1. */
  send(text: string | Buffer): Promise<void>;
  /** Stops reading. Further bytes stay in the kernel's buffers. */
  pause(): void;
  /** Ends this side alone (FIN). */
  halfClose(): void;
  /** Ends it, by RST unless it is half closed. */
  reset(): void;
}

/** Longer than any wait of a test. */
const LIMIT_MS = 30_000;

/** Connects to the listener at `url`; over TLS, which is not checked, when that is https. Broken when nothing moves for 30 s. */
export async function connectRaw(url: string): Promise<RawConnection> {
  const { protocol, hostname, port } = new URL(url);
  const tcp = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const limit = { signal: AbortSignal.timeout(LIMIT_MS) };
  await once(tcp, 'connect', limit);
  const socket = protocol === 'https:' ? await secured(tcp, limit) : tcp;
  let received = '';
  let isOver = false;
  // Breaking is what these connections are for.
  for (const one of [tcp, socket]) one.on('error', () => {});
  socket.setTimeout(LIMIT_MS, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  for (const event of ['end', 'close']) {
    socket.once(event, () => {
      isOver = true;
    });
  }

  return {
    get received() {
      return received;
    },
    get isOver() {
      return isOver;
    },
    send: (text) => new Promise((resolve) => void socket.write(text, 'latin1', () => resolve())),
    pause: () => void socket.pause(),
    halfClose: () => void socket.end(),
    // A connection that is ending cannot be reset: Node.js 24 would never close it (`reset EINVAL`), and this process would never end.
    reset: () => void (socket.writableEnded ? socket.destroy() : tcp.resetAndDestroy()),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function secured(tcp: Socket, limit: { signal: AbortSignal }): Promise<Socket> {
  const socket = connectTls({ socket: tcp, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', limit);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
