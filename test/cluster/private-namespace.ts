import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Place } from '../kit/place.ts';
import { startDaemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import { borrowListener } from './borrow-listener.ts';

/**
 * Namespaces for network, mounts and processes. The network has only loopback. Disposing, like the death of this process, ends
 * everything inside: daemons that left their parents, mounts, interfaces, packet filters.
 */
export interface PrivateNamespace extends Place, AsyncDisposable {}

/** Directories whose changes vanish with the namespace. All others are the machine's own. */
const SCRATCH = ['/etc', '/opt', '/var/lib', '/var/log'];

/**
 * Creates the namespaces and runs these shell commands in them. Needs root and the parts ip and busybox. Throws an `Error` with the
 * output of the command that failed.
 */
export async function createPrivateNamespace(commands: readonly string[] = []): Promise<PrivateNamespace> {
  await using cleanup = new AsyncDisposableStack();
  const script = [
    'set -e',
    'mount -t tmpfs tmpfs /run',
    ...SCRATCH.flatMap((path) => overlay(path)),
    `${needPart('ip')} link set lo up`,
    ...commands,
    'echo "the namespace is ready"',
    // The first process of the namespace lives as long as the namespace, and reaps processes whose parents have ended.
    'sleep infinity & wait',
  ];
  const own = ['--net', '--mount', '--pid'];
  const daemon = cleanup.use(
    await startDaemon({
      name: 'a namespace',
      command: 'unshare',
      args: [...own, '--mount-proc', '--fork', '--kill-child', '--', 'sh', '-c', script.join('\n')],
      ready: /the namespace is ready/,
    }),
  );
  const first = Number(readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8'));
  // unshare ends after its child, and the child ends only after all other processes of the namespace.
  cleanup.defer(() => void process.kill(first, 'SIGKILL'));

  // nsenter stays outside of the namespace and receives the signals for its program. When nsenter ends, the program gets SIGTERM.
  const enter = ['nsenter', '--target', String(first), ...own, '--', 'setpriv', '--pdeathsig', 'TERM', '--'];
  const doors = new Map<string, Promise<Door>>();
  cleanup.defer(async () => {
    for (const door of doors.values()) await (await door)[Symbol.asyncDispose]();
  });
  const resources = cleanup.move();
  return {
    enter,
    async reach(url) {
      const { protocol, host, hostname, port } = new URL(url);
      const door = doors.get(host) ?? openDoor(enter, hostname, port || '80');
      doors.set(host, door);
      return `${protocol}//${(await door).host}`;
    },
    listen: (server, at) => borrowListener(enter, server, at),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Door extends AsyncDisposable {
  /** Address with port. */
  readonly host: string;
}

/** Starts a server on the machine's loopback. For each connection a netcat carries bytes to the port in the namespace. */
async function openDoor(enter: readonly string[], address: string, port: string): Promise<Door> {
  const [command, ...args] = [...enter, needPart('busybox'), 'nc', address, port];
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    const netcat = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // If one side breaks, the stream of the other side ends.
    for (const stream of [socket, netcat.stdin, netcat.stdout, netcat])
      stream.on('error', () => socket.destroy());
    socket.pipe(netcat.stdin);
    netcat.stdout.pipe(socket);
    socket.on('close', () => {
      open.delete(socket);
      netcat.kill();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}

function overlay(path: string): string[] {
  const [upper, work] = [`/run/scratch${path}/upper`, `/run/scratch${path}/work`];
  return [
    `mkdir -p ${upper} ${work}`,
    `mount -t overlay -o lowerdir=${path},upperdir=${upper},workdir=${work} overlay ${path}`,
  ];
}
