import { dirname, join } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { startDaemon } from './daemon.ts';
import { besidePart, needPart } from './find.ts';
import { run, runToExit } from './run.ts';

export interface ContainerdOptions {
  /** `containerd1` is Debian's 1.6, `containerd2` the newest 2.x. */
  readonly part: 'containerd1' | 'containerd2';
}

/** A running containerd with content, snapshots and a socket of its own. Disposing it stops it and removes all that. */
export interface Containerd extends AsyncDisposable {
  output(): string;
  /** Writes the hosts.toml of a registry name: one mirror, and the registry itself after it. */
  useMirror(registryName: string, mirrorUrl: string): void;
  /** Pulls by hosts.toml and unpacks. */
  pull(reference: string): Promise<void>;
  /** Removes an image and everything only it used, snapshots included. */
  remove(reference: string): Promise<void>;
  /** Digests of everything in its content store, sorted. */
  contentDigests(): Promise<string[]>;
  /** Runs the image's command in a container that is removed afterwards, and gives its exit code. */
  runImage(reference: string): Promise<number | null>;
}

/**
 * Starts containerd in a mount namespace of its own, without its Kubernetes side: `ctr` needs none of it. Needs root.
 * Throws an `Error` with its output when it does not start.
 */
export async function startContainerd({ part }: ContainerdOptions): Promise<Containerd> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const socket = join(own.path, 'containerd.sock');
  // A version 2 file is understood from 1.6 to 2.3. From 2.0 on the transfer service pulls, and unpacks only where told.
  const configuration = own.write(
    'config.toml',
    `version = 2
root = "${own.path}/root"
state = "${own.path}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux"
  snapshotter = "native"
`,
  );
  const directory = dirname(needPart(part));
  const daemon = cleanup.use(
    await startDaemon({
      name: part,
      command: 'unshare',
      args: ['--mount', '--', needPart(part), '--config', configuration],
      // It finds its shim by PATH.
      env: { PATH: `${directory}:${process.env['PATH'] ?? ''}` },
      ready: /containerd successfully booted/,
    }),
  );
  const ctr = besidePart(part, 'ctr');
  const connection = ['--address', socket, '--namespace', 'larder'];
  let containers = 0;
  const resources = cleanup.move();
  return {
    output: () => daemon.output(),
    useMirror(registryName, mirrorUrl) {
      own.write(
        join('certs.d', registryName, 'hosts.toml'),
        `[host."${mirrorUrl}"]\n  capabilities = ["pull", "resolve"]\n`,
      );
    },
    async pull(reference) {
      // The native snapshotter works on every file system, also where this one is an overlay itself.
      const flags = ['--snapshotter', 'native', '--hosts-dir', join(own.path, 'certs.d')];
      await run(ctr, [...connection, 'images', 'pull', ...flags, reference]);
    },
    async remove(reference) {
      await run(ctr, [...connection, 'images', 'rm', '--sync', reference]);
    },
    async contentDigests() {
      const { stdout } = await run(ctr, [...connection, 'content', 'ls', '--quiet']);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    },
    async runImage(reference) {
      containers += 1;
      const flags = ['--rm', '--snapshotter', 'native'];
      const { code } = await runToExit(ctr, [...connection, 'run', ...flags, reference, `run-${containers}`]);
      return code;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
