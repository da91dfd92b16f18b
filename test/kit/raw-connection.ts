import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A client's connection, byte by byte: what no HTTP client would send, and how none would leave. */
export interface RawConnection extends Disposable {
  /** What has come so far, as Latin-1. */
  readonly received: string;
  /** True when the server has ended its side, or the connection is broken. */
  readonly isOver: boolean;
  /** Resolves when the kernel has the bytes, or the connection is broken. Text is Latin-1. */
  send(text: string | Buffer): Promise<void>;
  /** Stops reading: what comes stays in the kernel's buffers. */
  pause(): void;
  /** Ends this side alone (FIN). */
  halfClose(): void;
  /** Ends it, by RST unless it is half closed. */
  reset(): void;
}

/** Nothing that a test waits for takes so long. */
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
    // What is ending cannot be reset: Node.js 24 would never close it (`reset EINVAL`), and this process never end.
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
