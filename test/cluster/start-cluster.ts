import { basename } from 'node:path';
import type { TestImage } from '../kit/image.ts';
import type { Place } from '../kit/place.ts';
import { tempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { pushImage } from '../parts/push.ts';
import { sleepingImage } from '../parts/runnable-image.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import { startRegistry } from '../parts/start-registry.ts';
import { createCgroup } from './cgroup.ts';
import type { Kubectl } from './kubectl.ts';
import { NODE_ADDRESS, nodeInterface } from './node-files.ts';
import { createPrivateNamespace } from './private-namespace.ts';
import { startApiServer, type ApiServer } from './start-api-server.ts';
import { startNode } from './start-node.ts';

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
  /** That of {@link Cluster.api}. */
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
  const cgroup = cleanup.use(createCgroup(basename(own.path)));
  const place = cleanup.use(await createPrivateNamespace(nodeInterface()));
  const registry = cleanup.use(await startRegistry({ part: 'registry3', place }));
  const push: Cluster['push'] = async (repository, image, tag) => {
    await pushImage({ ...registry, url: await place.reach(registry.url) }, repository, image, tag);
    return `${REGISTRY_NAME}/${repository}:${tag}`;
  };
  const shellImage = await push('shell', sleepingImage(), '1');
  const api = cleanup.use(await startApiServer({ place, address: NODE_ADDRESS, controllerManager: true }));
  cleanup.use(await startScheduler(api, place));
  const { containerd } = options;
  const node = cleanup.use(
    await startNode({ containerd, api, place, own, cgroup: cgroup.path, sandboxImage: shellImage }),
  );
  node.containerd.useMirror(REGISTRY_NAME, registry.url, registry.url);
  await node.ready();
  await waitFor(() => api.kubectl('get', 'serviceaccount', 'default'), {
    limitMs: READY_LIMIT_MS,
    everyMs: 100,
    what: 'the default service account, without which pods are refused',
  });

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
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function startScheduler(api: ApiServer, place: Place): Promise<Daemon> {
  return startDaemon({
    name: 'kube-scheduler',
    command: needPart('kube-scheduler'),
    args: [`--kubeconfig=${api.kubeconfig}`, '--bind-address=127.0.0.1', '--leader-elect=false'],
    ready: /Serving securely on/,
    place,
  });
}
