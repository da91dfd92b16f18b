import { dirname, join } from 'node:path';
import type { Directory } from '../kit/temp.ts';
import { needPart } from '../parts/find.ts';
import { writeContainerdFiles, type ContainerdFiles } from '../parts/containerd-files.ts';
import type { ApiServer } from './start-api-server.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { signalAll } from './signal-all.ts';

/** Address of the node, at which pods reach it. The address must not be loopback. */
export const NODE_ADDRESS = '10.0.0.1';

/** Range of the addresses of pods. */
export const PODS = '10.244.0.0/16';
const PODS_OF_THE_NODE = '10.244.0.0/24';

/** Commands that give a namespace the node's address. Not every kernel has the device type `dummy`, but every kernel has `bridge`. */
export function nodeInterface(): string[] {
  const ip = needPart('ip');
  return [
    `${ip} link add node0 type bridge`,
    `${ip} address add ${NODE_ADDRESS}/24 dev node0`,
    `${ip} link set node0 up`,
    // kube-proxy and pods choose their own address by the default route, which leads nowhere.
    `${ip} route add default dev node0`,
  ];
}

/** Directory of containerd's configuration in distributions, with the `hosts.toml` files below. */
const CONTAINERD_DIRECTORY = '/etc/containerd';
const CERTS_DIRECTORY = `${CONTAINERD_DIRECTORY}/certs.d`;

/** Commands that mount the files of {@link writeNodeFiles} at their usual paths in the namespace. */
export function nodeMounts({ containerd }: NodeFiles): string[] {
  const configuration = `${CONTAINERD_DIRECTORY}/config.toml`;
  return [
    `mkdir -p ${containerd.hosts} ${CERTS_DIRECTORY}`,
    `touch ${configuration}`,
    `mount --bind ${containerd.hosts} ${CERTS_DIRECTORY}`,
    `mount --bind ${containerd.configuration} ${configuration}`,
  ];
}

export interface NodeFiles {
  readonly containerd: ContainerdFiles;
  readonly kubeletConfiguration: string;
  readonly kubeconfig: string;
}

/** Commands that take the files of {@link nodeMounts} away, with the network and the processes of all pods of a node whose programs have ended. */
export function nodeUnmounts(socket: string): string[] {
  const ip = needPart('ip');
  return [
    // Shims live on without containerd, and so do the pods below them.
    signalAll('SIGKILL', `-address ${socket}`),
    // Names keep networks of pods, and with them their addresses, after the last process.
    `for name in /run/netns/*; do umount "$name" && rm "$name" || true; done`,
    `${ip} link delete cni0 || true`,
    `umount ${CERTS_DIRECTORY} ${CONTAINERD_DIRECTORY}/config.toml`,
  ];
}

/** Writes the configuration of containerd and kubelet. */
export function writeNodeFiles(
  own: Directory,
  node: {
    readonly name: string;
    readonly api: ApiServer;
    readonly sandboxImage: string;
    readonly cgroup: string;
  },
): NodeFiles {
  const { api } = node;
  const networks = dirname(own.write('networks/pods.conflist', JSON.stringify(podNetwork(own))));
  const containerd = writeContainerdFiles(own, {
    sandboxImage: node.sandboxImage,
    networkPlugins: dirname(needPart('cni')),
    networks,
    runc: needPart('runc'),
    configPath: CERTS_DIRECTORY,
  });
  const subject = { commonName: `system:node:${node.name}`, organization: 'system:nodes' };
  return {
    containerd,
    kubeconfig: own.write('kubelet.conf', kubeconfigOf(api.accessFor(subject))),
    kubeletConfiguration: own.write(
      'kubelet.json',
      JSON.stringify({
        apiVersion: 'kubelet.config.k8s.io/v1beta1',
        kind: 'KubeletConfiguration',
        authentication: {
          anonymous: { enabled: false },
          webhook: { enabled: true },
          x509: { clientCAFile: api.authority },
        },
        authorization: { mode: 'Webhook' },
        containerRuntimeEndpoint: `unix://${containerd.socket}`,
        cgroupDriver: 'cgroupfs',
        cgroupRoot: node.cgroup,
        enforceNodeAllocatable: [],
        // A pod gets an image of the node only with a credential that has pulled it (KEP-2535). This is on by default from Kubernetes 1.35
        // on. A cache that accepted a wrong credential would also give that pod the node's image.
        featureGates: { KubeletEnsureSecretPulledImages: true },
        // The default is true from Kubernetes 1.35 on.
        failCgroupV1: false,
        failSwapOn: false,
        // The disk is the machine's, and its free space must not matter to the cluster.
        evictionHard: { 'nodefs.available': '1%' },
        localStorageCapacityIsolation: false,
        resolvConf: '/dev/null',
        clusterDNS: [NODE_ADDRESS],
        podLogsDir: join(own.path, 'pod-logs'),
        volumePluginDir: join(own.path, 'volume-plugins'),
      }),
    ),
  };
}

function podNetwork(own: Directory): object {
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: join(own.path, 'addresses'),
          ranges: [[{ subnet: PODS_OF_THE_NODE }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
