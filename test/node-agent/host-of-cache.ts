/** A host in front of a cache that can go dark, as a machine does that loses its power. */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../kit/wait.ts';
import { startDaemon } from '../parts/daemon.ts';

const FORWARDER = fileURLToPath(new URL('forwarder.ts', import.meta.url));
/** On loopback a connection is there in less than a millisecond, or not at all. */
const REFUSED_MS = 100;

export interface HostOfCache extends AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** From now on nothing comes from it: neither over its connections, nor an answer to whoever wants a new one. */
  goDark(): Promise<void>;
  comeBack(): void;
}

/** Passes connections on to `url`. */
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
      // A kernel whose queue of connections is full drops packets for more, as a host does that is not there.
      while (await isTaken(port, owned));
    },
    comeBack: () => void process.kill(forwarder.pid, 'SIGCONT'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether a connection came about, which is then kept. */
async function isTaken(port: number, owned: AsyncDisposableStack): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  owned.defer(() => void socket.destroy());
  socket.on('error', () => {});
  const isOpen = waitFor(() => socket.readyState === 'open', { limitMs: REFUSED_MS });
  return isOpen.catch(() => false);
}
