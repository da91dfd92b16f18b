import { dirname } from 'node:path';
import { tempDir } from '../kit/temp.ts';
import { writeContainerdFiles, type ContainerdFiles } from './containerd-files.ts';
import { startDaemon, type Daemon } from './daemon.ts';
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

export interface ContainerOptions {
  /** In place of the image's entry point and arguments. */
  readonly command?: readonly string[];
  /** Flags of `ctr run`. */
  readonly flags?: readonly string[];
}

/** A running container. */
export interface Container extends Daemon {
  /** Process id of the program in it, as this machine sees it. */
  readonly programPid: number;
}

/** A running containerd with content, snapshots and a socket of its own. Disposing it stops it and removes all that. */
export interface Containerd extends AsyncDisposable {
  /** Its configuration. */
  readonly configFile: string;
  /** Its directory of hosts.toml files. */
  readonly hostsDirectory: string;
  output(): string;
  readonly useMirror: ContainerdFiles['useMirror'];
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
  runImage(reference: string, options?: ContainerOptions): Promise<number | null>;
  /** Starts the image's program, which says with `ready` that it serves. Stopping it removes the container. */
  startImage(reference: string, ready: RegExp, options?: ContainerOptions): Promise<Container>;
}

/** Namespace in which the Kubernetes side keeps its images. Both ways to pull use it, so both see the same images. */
const NAMESPACE = 'k8s.io';

/**
 * Starts containerd in a mount namespace of its own. Its Kubernetes side serves images; pods would need more. Needs
 * root. Throws an `Error` with its output when it does not start.
 */
export async function startContainerd({ part }: ContainerdOptions): Promise<Containerd> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const { configuration, socket, hosts, useMirror } = writeContainerdFiles(own);
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
  const nextContainer = (): string => `run-${(containers += 1)}`;
  const runArguments = (id: string, reference: string, options: ContainerOptions = {}): string[] => {
    const flags = ['--rm', '--snapshotter', 'native', ...(options.flags ?? [])];
    return [...connection, 'run', ...flags, reference, id, ...(options.command ?? [])];
  };
  const resources = cleanup.move();
  return {
    configFile: configuration,
    hostsDirectory: hosts,
    output: () => daemon.output(),
    useMirror,
    async pull(reference) {
      const flags = ['--snapshotter', 'native', '--hosts-dir', hosts];
      await run(ctr, [...connection, 'images', 'pull', ...flags, reference]);
    },
    pullAsKubelet(reference, account) {
      const endpoints = ['--image-endpoint', `unix://${socket}`, '--runtime-endpoint', `unix://${socket}`];
      const login = account === undefined ? [] : ['--creds', `${account.username}:${account.password}`];
      // Its own limit is 2 s, for whatever it asks first.
      return runToExit(needPart('crictl'), [...endpoints, '--timeout', '60s', 'pull', ...login, reference]);
    },
    async removeImages() {
      const names = await linesOf('images', 'ls', '--quiet');
      if (names.length > 0) await run(ctr, [...connection, 'images', 'rm', '--sync', ...names]);
    },
    async contentDigests() {
      return (await linesOf('content', 'ls', '--quiet')).sort();
    },
    async runImage(reference, options) {
      const { code } = await runToExit(ctr, runArguments(nextContainer(), reference, options));
      return code;
    },
    async startImage(reference, ready, options) {
      const id = nextContainer();
      const args = runArguments(id, reference, options);
      const started = await startDaemon({ name: id, command: ctr, args, ready });
      const row = (await linesOf('tasks', 'ls')).find((line) => line.startsWith(`${id} `));
      return { ...started, programPid: Number(row?.split(/\s+/)[1]) };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
