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
import type { NodeTools } from './node-tools.ts';
import { createPrivateNamespace } from './private-namespace.ts';
import { startApiServer, type ApiServer } from './start-api-server.ts';
import { startNode } from './start-node.ts';
import { createVolumes, type VolumeClass, type Volumes } from './volumes.ts';

export interface ClusterOptions {
  readonly containerd: ContainerdOptions['part'];
  /** Names of servers that the node and its pods are to find, by {@link Cluster.addressOf}. */
  readonly names?: readonly string[];
  /** Certificate of the authority that containerd trusts, PEM; those of the machine unless told. */
  readonly authority?: string;
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
  /** The address of the node to which one of the {@link ClusterOptions.names} leads; nothing else listens there. */
  addressOf(name: string): string;
  /** The way past Kubernetes to what runs on the node. */
  readonly node: NodeTools;
  /** The cluster's own registry, that needs no login: where it is, and by which name the node knows it. */
  readonly registry: { readonly url: string; readonly name: string };
  /** An image with a shell that the node can pull. It sleeps unless told otherwise. */
  readonly shellImage: string;
  /** The directory of all hosts.toml, which the node has at `/etc/containerd/certs.d`. */
  readonly hosts: string;
  readonly useMirror: ContainerdFiles['useMirror'];
  /** Prepares storage; without it a cluster has none. */
  createVolumes(classes: readonly VolumeClass[]): Promise<Volumes>;
  /** Puts an image into the cluster's own registry; gives the reference by which pods have it. */
  push(repository: string, image: TestImage, tag: string): Promise<string>;
}

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
    await startApiServer({ place, address: NODE_ADDRESS, controllerManager: true, scheduler: true }),
  );
  const { containerd, authority } = options;
  const authorities = authority === undefined ? undefined : own.write('authorities.pem', authority);
  const node = cleanup.use(
    await startNode({
      containerd,
      api,
      place,
      own,
      cgroup: cgroup.path,
      sandboxImage: shellImage,
      authorities,
    }),
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
    listen: (server, at) => place.listen(server, at),
    api,
    kubectl: api.kubectl,
    nodeAddress: NODE_ADDRESS,
    addressOf(name) {
      const address = names.get(name);
      if (address === undefined) throw new Error(`the cluster was not told of the name ${name}`);
      return address;
    },
    node,
    registry: { url: registry.url, name: REGISTRY_NAME },
    shellImage,
    hosts: node.containerd.hosts,
    useMirror: node.containerd.useMirror,
    createVolumes: (classes) =>
      createVolumes({ kubectl: api.kubectl, place, directory: join(own.path, 'volumes') }, classes),
    push,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
