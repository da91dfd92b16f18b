import { dirname, join } from 'node:path';
import type { TestImage } from '../kit/image.ts';
import type { Place } from '../kit/place.ts';
import { tempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import type { PartName } from '../parts/parts.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { pushImage } from '../parts/push.ts';
import { sleepingImage } from '../parts/runnable-image.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import { startRegistry } from '../parts/start-registry.ts';
import { createCgroup } from './cgroup.ts';
import type { Kubectl } from './kubectl.ts';
import { NODE_ADDRESS, NODE_NAME, nodeInterface, PODS, writeNodeFiles } from './node-files.ts';
import { createPrivateNamespace } from './private-namespace.ts';
import { startApiServer, type ApiServer } from './start-api-server.ts';

export interface ClusterOptions {
  readonly containerd: ContainerdOptions['part'];
}

/**
 * A Kubernetes with one node, in a network, mounts and processes of its own: nothing outside reaches it by itself, and
 * it reaches nothing. As a {@link Place} it is the node's own network. Disposing it ends all that, with everything that
 * was started in it.
 */
export interface Cluster extends Place, AsyncDisposable {
  readonly api: ApiServer;
  /** With the administrator's rights. */
  readonly kubectl: Kubectl;
  /** The address at which pods reach what listens on the node. */
  readonly nodeAddress: string;
  /** An image with a shell that the node can pull. It sleeps unless told otherwise. */
  readonly shellImage: string;
  /** The directory of all hosts.toml of the node. */
  readonly hosts: string;
  readonly useMirror: ContainerdFiles['useMirror'];
  /** Puts an image into a registry of the cluster that needs no login; gives the reference by which pods have it. */
  push(repository: string, image: TestImage, tag: string): Promise<string>;
  /** The last that the node's programs printed, for failure messages. */
  output(): string;
}

/** The name by which the node knows the cluster's own registry. */
const REGISTRY_NAME = 'cluster.test';

const READY_LIMIT_MS = 60_000;

/**
 * Starts a cluster and waits until its node is ready: about 10 s, 1.2 GB. Needs root, the parts of the group cluster and
 * its containerd. Throws an `Error` with the output of what did not start.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const cgroup = cleanup.use(createCgroup(own.path.slice(own.path.lastIndexOf('/') + 1)));
  const place = cleanup.use(await createPrivateNamespace(nodeInterface()));
  const programs: Daemon[] = [];
  const start = async (name: PartName, ready: RegExp, ...args: readonly string[]): Promise<void> => {
    const command = needPart(name);
    // containerd finds its shim by PATH, kubelet and kube-proxy the programs of root.
    const env = { PATH: `${dirname(command)}:/usr/sbin:${process.env['PATH'] ?? ''}` };
    programs.push(cleanup.use(await startDaemon({ name, command, args, env, ready, place })));
  };

  const registry = cleanup.use(await startRegistry({ part: 'registry3', place }));
  const push: Cluster['push'] = async (repository, image, tag) => {
    await pushImage({ ...registry, url: await place.reach(registry.url) }, repository, image, tag);
    return `${REGISTRY_NAME}/${repository}:${tag}`;
  };
  const shellImage = await push('shell', sleepingImage(), '1');
  const api = cleanup.use(await startApiServer({ place, address: NODE_ADDRESS, controllerManager: true }));
  const node = writeNodeFiles(own, api, { sandboxImage: shellImage, cgroup: cgroup.path });
  node.containerd.useMirror(REGISTRY_NAME, registry.url, registry.url);

  await start(
    options.containerd,
    /containerd successfully booted/,
    '--config',
    node.containerd.configuration,
  );
  await start(
    'kube-scheduler',
    /Serving securely on/,
    `--kubeconfig=${api.kubeconfig}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  );
  await start(
    'kubelet',
    /Started kubelet/,
    `--config=${node.kubeletConfiguration}`,
    `--kubeconfig=${node.kubeconfig}`,
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
    // The machine's table of connections is not the cluster's to resize.
    '--conntrack-max-per-core=0',
    '--healthz-bind-address=127.0.0.1',
    '--metrics-bind-address=127.0.0.1',
  );
  const output = (): string => programs.map((program) => program.output().slice(-4000)).join('\n\n');
  const until = async (what: string, ...args: readonly string[]): Promise<void> => {
    await waitFor(() => api.kubectl(...args), { limitMs: READY_LIMIT_MS, everyMs: 250, what }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${output()}`, { cause: error });
      },
    );
  };
  await until('a ready node', 'wait', '--for=condition=Ready', `node/${NODE_NAME}`, '--timeout=5s');
  // Pods are refused before it is there.
  await until('the default service account', 'get', 'serviceaccount', 'default');

  const resources = cleanup.move();
  return {
    enter: place.enter,
    reach: (url) => place.reach(url),
    api,
    kubectl: api.kubectl,
    nodeAddress: NODE_ADDRESS,
    shellImage,
    hosts: node.containerd.hosts,
    useMirror: node.containerd.useMirror,
    push,
    output,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
