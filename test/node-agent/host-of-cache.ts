/** A host in front of a cache that can go dark, like a machine that loses its power. */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../kit/wait.ts';
import { startDaemon } from '../parts/daemon.ts';

const FORWARDER = fileURLToPath(new URL('forwarder.ts', import.meta.url));
/** On loopback a connection takes less than a millisecond, or never comes about. */
const REFUSED_MS = 100;

export interface HostOfCache extends AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** Sends nothing from now on: no bytes over its connections, and no answer to new ones. */
  goDark(): Promise<void>;
  comeBack(): void;
}

/** Forwards connections to `url`. */
export async function startHostOfCache(url: string): Promise<HostOfCache> {
  await using cleanup = new AsyncDisposableStack();
  const forwarder = cleanup.use(
    await startDaemon({
      name: 'the host of the cache',
      command: process.execPath,
      args: [FORWARDER, new URL(url).port],
      ready: /listens on (\d+)/,
    }),
  );
  const port = Number(forwarder.ready[1]);
  cleanup.defer(() => void process.kill(forwarder.pid, 'SIGCONT'));
  const owned = cleanup.move();
  return {
    url: `https://127.0.0.1:${port}`,
    async goDark() {
      process.kill(forwarder.pid, 'SIGSTOP');
      // A kernel with a full backlog drops packets of further connections, like a host that is gone.
      while (await isTaken(port, owned));
    },
    comeBack: () => void process.kill(forwarder.pid, 'SIGCONT'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** True if a connection came about, which is then kept open. */
async function isTaken(port: number, owned: AsyncDisposableStack): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  owned.defer(() => void socket.destroy());
  socket.on('error', () => {});
  const isOpen = waitFor(() => socket.readyState === 'open', { limitMs: REFUSED_MS });
  return isOpen.catch(() => false);
}
