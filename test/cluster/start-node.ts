import { dirname, join } from 'node:path';
import type { Place } from '../kit/place.ts';
import type { Directory } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import type { PartName } from '../parts/parts.ts';
import { run } from '../parts/run.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import type { Cgroup } from './cgroup.ts';
import { NODE_ADDRESS, nodeMounts, nodeUnmounts, PODS, writeNodeFiles } from './node-files.ts';
import { createNodeTools, type NodeTools } from './node-tools.ts';
import type { ApiServer } from './start-api-server.ts';

export interface NodeOptions {
  readonly name: string;
  readonly containerd: ContainerdOptions['part'];
  readonly api: ApiServer;
  readonly place: Place;
  /** Directory for all files of the node. */
  readonly own: Directory;
  /** Control group of its pods. */
  readonly cgroup: Pick<Cgroup, 'path' | 'kill'>;
  /** Image of the sandbox container of each pod. */
  readonly sandboxImage: string;
  /** File with the authorities that containerd trusts. Default: the machine's. */
  readonly authorities?: string | undefined;
  /** Changes the files of containerd before it starts. */
  readonly prepare?: ((files: ContainerdFiles) => Promise<void>) | undefined;
}

/** Node of a cluster: containerd, kubelet and kube-proxy. Disposing ends it with all its containers, as if its machine had been deleted. */
export interface ClusterNode extends NodeTools, AsyncDisposable {
  readonly name: string;
  readonly containerd: ContainerdFiles;
  /** Waits until the node is ready. Throws an `Error` with the output of its programs after 60 s. */
  ready(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;

/** Starts the programs of a node one after the other. Throws an `Error` with the output of the program that did not start. */
export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { name, api, place, own, cgroup } = options;
  await using cleanup = new AsyncDisposableStack();
  const files = writeNodeFiles(own, { ...options, cgroup: cgroup.path });
  await options.prepare?.(files.containerd);
  await run('sh', ['-ec', nodeMounts(files).join('\n')], { place });
  cleanup.defer(async () => {
    await cgroup.kill();
    await run('sh', ['-ec', nodeUnmounts(files.containerd.socket).join('\n')], { place });
  });
  const programs: Daemon[] = [];
  const start = async (part: PartName, ready: RegExp, ...args: readonly string[]): Promise<void> => {
    const command = needPart(part);
    // containerd finds its shim by PATH, and so do kubelet and kube-proxy the programs in /usr/sbin.
    const env = {
      PATH: `${dirname(command)}:/usr/sbin:${process.env['PATH'] ?? ''}`,
      ...(options.authorities !== undefined && { SSL_CERT_FILE: options.authorities }),
    };
    programs.push(cleanup.use(await startDaemon({ name: part, command, args, env, ready, place })));
  };

  await start(
    options.containerd,
    /containerd successfully booted/,
    `--config=${files.containerd.configuration}`,
  );
  await start(
    'kubelet',
    /Started kubelet/,
    `--config=${files.kubeletConfiguration}`,
    `--kubeconfig=${files.kubeconfig}`,
    `--hostname-override=${name}`,
    `--node-ip=${NODE_ADDRESS}`,
    `--root-dir=${join(own.path, 'kubelet')}`,
    `--cert-dir=${join(own.path, 'kubelet-pki')}`,
  );
  await start(
    'kube-proxy',
    /Caches are synced/,
    `--kubeconfig=${api.kubeconfig}`,
    `--hostname-override=${name}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${PODS}`,
    // kube-proxy must not resize the machine's table of connections.
    '--conntrack-max-per-core=0',
    '--healthz-bind-address=127.0.0.1',
    '--metrics-bind-address=127.0.0.1',
  );
  const output = (): string => programs.map((program) => program.output().slice(-4000)).join('\n\n');
  const resources = cleanup.move();
  return {
    ...createNodeTools({ containerd: options.containerd, socket: files.containerd.socket, place }),
    name,
    containerd: files.containerd,
    async ready() {
      const isReady = () => api.kubectl('wait', '--for=condition=Ready', `node/${name}`, '--timeout=5s');
      try {
        await waitFor(isReady, { limitMs: READY_LIMIT_MS, everyMs: 250, what: 'a ready node' });
      } catch (error) {
        throw new Error(`the node did not become ready:\n${output()}`, { cause: error });
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
