import { dirname, join } from 'node:path';
import type { Place } from '../kit/place.ts';
import type { TempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import type { PartName } from '../parts/parts.ts';
import { run } from '../parts/run.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import { NODE_ADDRESS, NODE_NAME, nodeMounts, PODS, writeNodeFiles } from './node-files.ts';
import { createNodeTools, type NodeTools } from './node-tools.ts';
import type { ApiServer } from './start-api-server.ts';

export interface NodeOptions {
  readonly containerd: ContainerdOptions['part'];
  readonly api: ApiServer;
  readonly place: Place;
  /** Directory for all files of the node. */
  readonly own: TempDir;
  /** Control group of the node. */
  readonly cgroup: string;
  /** Image of the sandbox container of each pod. */
  readonly sandboxImage: string;
  /** File with the authorities that containerd trusts. Default: the machine's. */
  readonly authorities?: string | undefined;
}

/** Node of a cluster: containerd, kubelet and kube-proxy. Disposing stops these three, but not the containers. */
export interface ClusterNode extends NodeTools, AsyncDisposable {
  readonly containerd: ContainerdFiles;
  /** Waits until the node is ready. Throws an `Error` with the output of its programs after 60 s. */
  ready(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;

/** Starts the programs of a node one after the other. Throws an `Error` with the output of the program that did not start. */
export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { api, place, own } = options;
  await using cleanup = new AsyncDisposableStack();
  const files = writeNodeFiles(own, options);
  await run('sh', ['-ec', nodeMounts(files).join('\n')], { place });
  const programs: Daemon[] = [];
  const start = async (name: PartName, ready: RegExp, ...args: readonly string[]): Promise<void> => {
    const command = needPart(name);
    // containerd finds its shim by PATH, and so do kubelet and kube-proxy the programs in /usr/sbin.
    const env = {
      PATH: `${dirname(command)}:/usr/sbin:${process.env['PATH'] ?? ''}`,
      ...(options.authorities !== undefined && { SSL_CERT_FILE: options.authorities }),
    };
    programs.push(cleanup.use(await startDaemon({ name, command, args, env, ready, place })));
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
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${NODE_ADDRESS}`,
    `--root-dir=${join(own.path, 'kubelet')}`,
    `--cert-dir=${join(own.path, 'kubelet-pki')}`,
  );
  await start(
    'kube-proxy',
    /Caches are synced/,
    `--kubeconfig=${api.kubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
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
    containerd: files.containerd,
    async ready() {
      const isReady = () => api.kubectl('wait', '--for=condition=Ready', `node/${NODE_NAME}`, '--timeout=5s');
      try {
        await waitFor(isReady, { limitMs: READY_LIMIT_MS, everyMs: 250, what: 'a ready node' });
      } catch (error) {
        throw new Error(`the node did not become ready:\n${output()}`, { cause: error });
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
