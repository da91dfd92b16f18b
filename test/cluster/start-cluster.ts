import { basename, join } from 'node:path';
import type { TestImage } from '../kit/image.ts';
import type { Place } from '../kit/place.ts';
import { tempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import type { ContainerdFiles } from '../parts/containerd-files.ts';
import { pushImage } from '../parts/push.ts';
import { sleepingImage } from '../parts/runnable-image.ts';
import type { ContainerdOptions } from '../parts/start-containerd.ts';
import { startRegistry } from '../parts/start-registry.ts';
import { createCgroup } from './cgroup.ts';
import type { Kubectl } from './kubectl.ts';
import { addressesFor, namesOfTheNode, startNameServer } from './names.ts';
import { NODE_ADDRESS, nodeInterface } from './node-files.ts';
import { createNodes, type NodeStart } from './nodes.ts';
import type { NodeTools } from './node-tools.ts';
import { createPrivateNamespace } from './private-namespace.ts';
import { startApiServer, type ApiServer, type ApiServerOptions } from './start-api-server.ts';
import { createVolumes, type VolumeClass, type Volumes } from './volumes.ts';

export interface ClusterOptions {
  readonly containerd: ContainerdOptions['part'];
  /** Names that the node and its pods resolve to {@link Cluster.addressOf}. */
  readonly names?: readonly string[];
  /** Certificate of the authority that containerd trusts, PEM. Default: the authorities of the machine. */
  readonly authority?: string;
  /** True: a cluster whose nodes come later. */
  readonly withoutNode?: boolean;
  /** More flags of the API server. */
  readonly apiFlags?: ApiServerOptions['flags'];
}

/**
 * Kubernetes with one node, with a network, mounts and processes of its own. Inside and outside reach each other only through
 * {@link Place}, whose network is the node's. Disposing ends everything that was started inside.
 */
export interface Cluster extends Place, AsyncDisposable {
  readonly api: ApiServer;
  /** kubectl of {@link Cluster.api}. */
  readonly kubectl: Kubectl;
  /** Address at which pods reach listeners of the node. */
  readonly nodeAddress: string;
  /** Address of the node for one of the {@link ClusterOptions.names}. No other server listens there. */
  addressOf(name: string): string;
  /** The node that runs: access to its containers without Kubernetes. Throws an `Error` if there is none. */
  readonly node: NodeTools;
  /** Name of the node that runs. Throws an `Error` if there is none. */
  readonly nodeName: string;
  /** Starts a node with a name of its own, and waits until it is ready. There is one at a time. */
  startNode(options?: NodeStart): Promise<void>;
  /** Ends the node with all its containers, as if its machine had been deleted. Its object stays. */
  stopNode(): Promise<void>;
  /** The cluster's own registry, which requires no login: its URL, and its name on the node. */
  readonly registry: { readonly url: string; readonly name: string };
  /** Image with a shell that the node can pull. Its default program sleeps. */
  readonly shellImage: string;
  /** Directory of all `hosts.toml`, which is `/etc/containerd/certs.d` on the node. */
  readonly hosts: string;
  readonly useMirror: ContainerdFiles['useMirror'];
  /** Prepares storage. A cluster has none at first. */
  createVolumes(classes: readonly VolumeClass[]): Promise<Volumes>;
  /** Pushes an image to the cluster's own registry. Returns its reference for pods. */
  push(repository: string, image: TestImage, tag: string): Promise<string>;
}

const REGISTRY_NAME = 'cluster.test';

const READY_LIMIT_MS = 60_000;

/**
 * Starts a cluster and waits until its node is ready: about 10 s, 1.2 GB. Needs root, the parts of the group cluster and the chosen
 * containerd. Throws an `Error` with the output of the program that did not start.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const cgroup = cleanup.use(createCgroup(basename(own.path)));
  const names = addressesFor(options.names ?? []);
  const place = cleanup.use(await createPrivateNamespace([...nodeInterface(), ...namesOfTheNode(names)]));
  cleanup.use(await startNameServer(names, place));
  const registry = cleanup.use(await startRegistry({ part: 'registry3', place }));
  const push: Cluster['push'] = async (repository, image, tag) => {
    await pushImage({ ...registry, url: await place.reach(registry.url) }, repository, image, tag);
    return `${REGISTRY_NAME}/${repository}:${tag}`;
  };
  const shellImage = await push('shell', sleepingImage(), '1');
  const api = cleanup.use(
    await startApiServer({
      place,
      address: NODE_ADDRESS,
      controllerManager: true,
      scheduler: true,
      flags: options.apiFlags ?? {},
    }),
  );
  const { authority } = options;
  const authorities = authority === undefined ? undefined : own.write('authorities.pem', authority);
  const nodes = cleanup.use(
    createNodes({
      api,
      place,
      own,
      cgroup,
      sandboxImage: shellImage,
      authorities,
      containerd: options.containerd,
      onFiles: (files) => files.useMirror(REGISTRY_NAME, registry.url, registry.url),
    }),
  );
  if (options.withoutNode !== true) await nodes.start();
  await waitFor(() => api.kubectl('get', 'serviceaccount', 'default'), {
    limitMs: READY_LIMIT_MS,
    everyMs: 100,
    what: 'the default service account, without which pods are refused',
  });

  const resources = cleanup.move();
  return {
    enter: place.enter,
    reach: (url) => place.reach(url),
    listen: (server, at) => place.listen(server, at),
    api,
    kubectl: api.kubectl,
    nodeAddress: NODE_ADDRESS,
    addressOf(name) {
      const address = names.get(name);
      if (address === undefined) throw new Error(`the cluster has no name ${name}`);
      return address;
    },
    get node() {
      return nodes.current();
    },
    get nodeName() {
      return nodes.current().name;
    },
    startNode: (start) => nodes.start(start),
    stopNode: () => nodes.stop(),
    registry: { url: registry.url, name: REGISTRY_NAME },
    shellImage,
    get hosts() {
      return nodes.current().containerd.hosts;
    },
    useMirror: (...mirror) => nodes.current().containerd.useMirror(...mirror),
    createVolumes: (classes) =>
      createVolumes({ kubectl: api.kubectl, place, directory: join(own.path, 'volumes') }, classes),
    push,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
