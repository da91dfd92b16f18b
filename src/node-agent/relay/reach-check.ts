import { connect, type Server, type Socket } from 'node:net';
import type { Clock } from '../../kit/clock.ts';
import type { Address } from '../../kit/listen.ts';
import { afterSockets } from '../cache-client/after-sockets.ts';

/** The kernel connects loopback at once. Both ends are in this process, so a busy process delays both. */
const REACH_MS = 1_000;

/**
 * Connects to `address` and resolves with true if that connection arrives at `server`, which listens there. Takes a second at most. A Pod's
 * `hostPort` takes precedence over listeners, since rules of the kernel come first.
 */
export function isReached(server: Server, { host, port }: Address, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const arrived = new Set<number | undefined>();
    const socket = connect({ host, port });
    const onConnection = ({ remotePort }: Socket): void => {
      arrived.add(remotePort);
      judge();
    };
    const cancel = afterSockets(clock, REACH_MS, () => end(false));
    server.on('connection', onConnection);
    socket.once('connect', judge);
    socket.once('error', () => end(false));

    /** Called from both ends, in either order. */
    function judge(): void {
      if (socket.localPort !== undefined && arrived.has(socket.localPort)) end(true);
    }

    function end(result: boolean): void {
      cancel();
      server.off('connection', onConnection);
      socket.destroy();
      resolve(result);
    }
  });
}
