import { dirname, join } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { startDaemon } from './daemon.ts';
import { besidePart, needPart } from './find.ts';
import type { PartName } from './parts.ts';
import { run, runToExit, type RunResult } from './run.ts';
import type { Account } from './token-server.ts';

/** Every minor release that is in use, oldest first: they differ in how they retry, fall back and fetch. */
export const CONTAINERDS = [
  'containerd1',
  'containerd17',
  'containerd20',
  'containerd21',
  'containerd22',
  'containerd2',
] as const satisfies readonly PartName[];

export interface ContainerdOptions {
  readonly part: (typeof CONTAINERDS)[number];
}

/** A running containerd with content, snapshots and a socket of its own. Disposing it stops it and removes all that. */
export interface Containerd extends AsyncDisposable {
  output(): string;
  /** Writes the hosts.toml of a registry name: one mirror, and after it `origin`, the registry itself unless told. */
  useMirror(registryName: string, mirrorUrl: string, origin?: string): void;
  /** Pulls by hosts.toml and unpacks. */
  pull(reference: string): Promise<void>;
  /**
   * Pulls as kubelet makes it do, through its Kubernetes side and with the credential that a pod would bring; gives how
   * `crictl` ended. Needs the part crictl.
   */
  pullAsKubelet(reference: string, account?: Account): Promise<RunResult>;
  /** Removes all images and everything they used, snapshots included. */
  removeImages(): Promise<void>;
  /** Digests of everything in its content store, sorted. */
  contentDigests(): Promise<string[]>;
  /** Runs the image's command in a container that is removed afterwards, and gives its exit code. */
  runImage(reference: string): Promise<number | null>;
}

/** Where the Kubernetes side keeps its images; one for all, so that both ways to pull see the same. */
const NAMESPACE = 'k8s.io';

/**
 * Starts containerd in a mount namespace of its own. Its Kubernetes side serves images; pods would need more. Needs
 * root. Throws an `Error` with its output when it does not start.
 */
export async function startContainerd({ part }: ContainerdOptions): Promise<Containerd> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const socket = join(own.path, 'containerd.sock');
  const hosts = join(own.path, 'certs.d');
  // A version 2 file is understood from 1.6 to 2.3. From 2.0 on the transfer service pulls, and unpacks only where told;
  // the snapshotter is then a setting of cri.v1.images, which does not take over the one of grpc.v1.cri.
  const configuration = own.write(
    'config.toml',
    `version = 2
root = "${own.path}/root"
state = "${own.path}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "${hosts}"
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
  const connection = ['--address', socket, '--namespace', NAMESPACE];
  const linesOf = async (...args: readonly string[]): Promise<string[]> => {
    const { stdout } = await run(ctr, [...connection, ...args]);
    return stdout.split('\n').filter((line) => line !== '');
  };
  let containers = 0;
  const resources = cleanup.move();
  return {
    output: () => daemon.output(),
    useMirror(registryName, mirrorUrl, origin) {
      const server = origin === undefined ? '' : `server = "${origin}"\n`;
      const mirror = `[host."${mirrorUrl}"]\n  capabilities = ["pull", "resolve"]\n`;
      own.write(join('certs.d', registryName, 'hosts.toml'), server + mirror);
    },
    async pull(reference) {
      // The native snapshotter works on every file system, also where this one is an overlay itself.
      const flags = ['--snapshotter', 'native', '--hosts-dir', hosts];
      await run(ctr, [...connection, 'images', 'pull', ...flags, reference]);
    },
    pullAsKubelet(reference, account) {
      const endpoints = ['--image-endpoint', `unix://${socket}`, '--runtime-endpoint', `unix://${socket}`];
      const login = account === undefined ? [] : ['--creds', `${account.username}:${account.password}`];
      return runToExit(needPart('crictl'), [...endpoints, 'pull', ...login, reference]);
    },
    async removeImages() {
      const names = await linesOf('images', 'ls', '--quiet');
      if (names.length > 0) await run(ctr, [...connection, 'images', 'rm', '--sync', ...names]);
    },
    async contentDigests() {
      return (await linesOf('content', 'ls', '--quiet')).sort();
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
