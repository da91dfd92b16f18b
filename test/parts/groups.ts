import { PARTS, type PartName } from './parts.ts';

const API = ['etcd', 'kube-apiserver', 'kubectl'] as const satisfies readonly PartName[];

/** Parts that only suites around Kubernetes use. Building them takes longer than all others together. */
const KUBERNETES = [
  ...API,
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'helm',
  'cni',
  'iptables',
  'ip',
  'conntrack',
] as const satisfies readonly PartName[];

/** Programs that make, push and sign a release (`deploy/release/`), and a registry to rehearse it. */
const RELEASE = ['helm', 'oras', 'cosign', 'registry3', 'htpasswd'] as const satisfies readonly PartName[];

/** Parts that the integration suites do without. Building cosign takes 5 min of CPU time. */
const NOT_INTEGRATION: ReadonlySet<PartName> = new Set([
  ...KUBERNETES.filter((name) => name !== 'helm'),
  'cosign',
] satisfies readonly PartName[]);

const CLUSTER = [
  ...KUBERNETES,
  'containerd1',
  'containerd2',
  'runc',
  'registry3',
  'htpasswd',
  'busybox',
] as const satisfies readonly PartName[];

/** The parts that a kind of suite needs, to be installed and asked for together. */
export const GROUPS = {
  /** The integration suites (`*.itest.ts`) and the benchmark. */
  integration: (Object.keys(PARTS) as PartName[]).filter((name) => !NOT_INTEGRATION.has(name)),
  /** A Kubernetes API server without controllers and nodes. */
  api: API,
  /** A Kubernetes that runs pods, with the newest or the oldest containerd. */
  cluster: CLUSTER,
  /** The same with every containerd, and what the proof of the whole product needs beside it (`test/e2e/`). */
  e2e: [...CLUSTER, 'containerd17', 'containerd20', 'containerd21', 'containerd22', 'crictl', 'oras'],
  release: RELEASE,
} as const satisfies Record<string, readonly PartName[]>;

export type GroupName = keyof typeof GROUPS;

/** True when `name` is a row of {@link GROUPS}. */
export function isGroupName(name: string): name is GroupName {
  return Object.hasOwn(GROUPS, name);
}
