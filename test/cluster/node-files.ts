import { dirname, join } from 'node:path';
import type { TempDir } from '../kit/temp.ts';
import { needPart } from '../parts/find.ts';
import { writeContainerdFiles, type ContainerdFiles } from '../parts/containerd-files.ts';
import type { ApiServer } from './start-api-server.ts';
import { kubeconfigOf } from './kubeconfig.ts';

export const NODE_NAME = 'node1';

/** The node's address. It must not be loopback, and pods reach the node there. */
export const NODE_ADDRESS = '10.0.0.1';

/** The range of the addresses of pods. */
export const PODS = '10.244.0.0/16';
const PODS_OF_THE_NODE = '10.244.0.0/24';

/** Commands that give a namespace the node's address. The device type `dummy` is not in every kernel, `bridge` is. */
export function nodeInterface(): string[] {
  const ip = needPart('ip');
  return [
    `${ip} link add node0 type bridge`,
    `${ip} address add ${NODE_ADDRESS}/24 dev node0`,
    `${ip} link set node0 up`,
    // kube-proxy and pods choose their own address by the default route; nothing is behind it.
    `${ip} route add default dev node0`,
  ];
}

/** Where distributions have containerd's configuration, and its hosts.toml files below. */
const CONTAINERD_DIRECTORY = '/etc/containerd';
const CERTS_DIRECTORY = `${CONTAINERD_DIRECTORY}/certs.d`;

/** Commands that make the files of {@link writeNodeFiles} appear where everybody looks for them, within the namespace. */
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

/** Writes what containerd and kubelet are configured with. */
export function writeNodeFiles(
  own: TempDir,
  node: { readonly api: ApiServer; readonly sandboxImage: string; readonly cgroup: string },
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
  const subject = { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes' };
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
        // A pod gets an image that is on the node only with a credential that has pulled it (KEP-2535); on by default
        // from Kubernetes 1.35 on. A cache that lets the wrong one through would open the node with it.
        featureGates: { KubeletEnsureSecretPulledImages: true },
        // True from Kubernetes 1.35 on.
        failCgroupV1: false,
        failSwapOn: false,
        // The disk is the machine's, and how full it is has nothing to do with the cluster.
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

function podNetwork(own: TempDir): object {
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
