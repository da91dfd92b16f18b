/**
 * The real programs that the integration suites and the benchmark run: what each is, in which version, where it comes
 * from, and which command shows that it works. Versions are pinned because clients change their requests from release
 * to release; raise one by editing its row and running the suites.
 */
export const PARTS = {
  crane: goPart('v0.22.1', 'github.com/google/go-containerregistry/cmd/crane', { try: ['version'] }),
  oras: goPart('v1.3.6', 'oras.land/oras/cmd/oras', { try: ['version'] }),
  regctl: goPart('v0.11.7', 'github.com/regclient/regclient/cmd/regctl', { try: ['version'] }),
  // The suite has no release of its own since it was rewritten; this commit is its first with the read-only mode.
  conformance: goPart(
    'v0.0.0-20260831232431-97274622c111',
    'github.com/opencontainers/distribution-spec/conformance',
    // It has no flags and would run its tests: an unreadable configuration ends it before the first request.
    { try: [], env: { OCI_CONFIGURATION: '/dev/null', OCI_API_PULL: 'neither' } },
  ),
  registry3: goPart('v3.1.2', 'github.com/distribution/distribution/v3/cmd/registry', {
    executable: 'registry',
    try: ['--version'],
  }),
  containerd17: containerdPart('v1.7.35', 'github.com/containerd/containerd'),
  containerd20: containerdPart('v2.0.14', 'github.com/containerd/containerd/v2'),
  containerd21: containerdPart('v2.1.9', 'github.com/containerd/containerd/v2'),
  containerd22: containerdPart('v2.2.9', 'github.com/containerd/containerd/v2'),
  containerd2: containerdPart('v2.3.7', 'github.com/containerd/containerd/v2'),
  crictl: goPart('v1.34.0', 'sigs.k8s.io/cri-tools/cmd/crictl', { try: ['--version'] }),
  etcd: goPart('v3.6.16', 'go.etcd.io/etcd/server/v3', {
    executable: 'server',
    module: 'go.etcd.io/etcd/server/v3',
    try: ['--version'],
  }),
  'kube-apiserver': kubernetesPart('kube-apiserver'),
  kubectl: kubernetesPart('kubectl', ['version', '--client']),
  'kube-controller-manager': kubernetesPart('kube-controller-manager'),
  'kube-scheduler': kubernetesPart('kube-scheduler'),
  kubelet: kubernetesPart('kubelet'),
  'kube-proxy': kubernetesPart('kube-proxy'),
  helm: goPart('v3.19.5', 'helm.sh/helm/v3/cmd/helm', { try: ['version'] }),
  cosign: goPart('v3.1.3', 'github.com/sigstore/cosign/v3/cmd/cosign', { try: ['version'] }),
  registry2: debianPart('2.8.2', 'docker-registry', { path: '/usr/bin/docker-registry', try: ['--version'] }),
  skopeo: debianPart('1.9.3', 'skopeo', { path: '/usr/bin/skopeo', try: ['--version'] }),
  podman: debianPart('4.3.1', 'podman', { path: '/usr/bin/podman', try: ['--version'] }),
  nginx: debianPart('1.22.1', 'nginx', { path: '/usr/sbin/nginx', try: ['-v'] }),
  containerd1: debianPart('1.6.20', 'containerd', { path: '/usr/bin/containerd', try: ['--version'] }),
  runc: debianPart('1.1.5', 'runc', { path: '/usr/sbin/runc', try: ['--version'] }),
  htpasswd: debianPart('2.4', 'apache2-utils', { path: '/usr/bin/htpasswd', try: ['-nbB', 'user', 'word'] }),
  python3: debianPart('3.11', 'python3', { path: '/usr/bin/python3', try: ['--version'] }),
  wrk: debianPart('4.1.0', 'wrk', { path: '/usr/bin/wrk', try: ['-v'], exit: 1 }),
  cni: debianPart('1.1.1', 'containernetworking-plugins', { path: '/usr/lib/cni/bridge', try: [] }),
  iptables: debianPart('1.8.9', 'iptables', { path: '/usr/sbin/iptables', try: ['--version'] }),
  ip: debianPart('6.1.0', 'iproute2', { path: '/bin/ip', try: ['-V'] }),
  conntrack: debianPart('1.4.7', 'conntrack', { path: '/usr/sbin/conntrack', try: ['--version'] }),
  busybox: debianPart('1.35.0', 'busybox-static', { path: '/bin/busybox', try: ['true'] }),
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof PARTS;

/** A part that is built from a Go module, or one that is a Debian package. */
export type Part = GoPart | DebianPart;

interface Trial {
  /** Arguments with which the executable ends at once. */
  readonly try: readonly string[];
  /** The exit code it then has; 0 by default. */
  readonly exit?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface GoPart extends Trial {
  readonly source: 'go';
  /** A version of the module, exactly. */
  readonly version: string;
  /** The first is the part itself; the others are built into the same directory. */
  readonly packages: readonly string[];
  /** File name of the part's executable, as Go names it. */
  readonly executable: string;
  /**
   * Its module, when the part is to be built from a module made for it: `go install` refuses a module whose go.mod has
   * `replace` or `exclude` lines.
   */
  readonly module?: string;
  /** With `module`: the version in which the modules are published that its go.mod replaces by directories. */
  readonly directoriesAs?: string;
  /** Values that the linker writes into variables, by full name. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface DebianPart extends Trial {
  readonly source: 'debian';
  /** Beginning of the package's version; Debian adds its own revision, which security updates raise. */
  readonly version: string;
  readonly package: string;
  readonly path: string;
}

/** True when `name` is a row of {@link PARTS}. */
export function isPartName(name: string): name is PartName {
  return Object.hasOwn(PARTS, name);
}

function goPart(
  version: string,
  mainPackage: string,
  options: Trial & { with?: readonly string[] } & Partial<Omit<GoPart, 'packages'>>,
): GoPart {
  const {
    executable = mainPackage.slice(mainPackage.lastIndexOf('/') + 1),
    with: others = [],
    ...trial
  } = options;
  return { source: 'go', version, packages: [mainPackage, ...others], executable, ...trial };
}

/**
 * With the two programs that it needs beside it. The releases 1.7 to 2.1 have `exclude` lines. Without its variable it would call itself
 * `+unknown`, as a program does that has its code built in.
 */
function containerdPart(version: string, module: string): GoPart {
  return goPart(version, `${module}/cmd/containerd`, {
    with: [`${module}/cmd/ctr`, `${module}/cmd/containerd-shim-runc-v2`],
    module,
    variables: { [`${module}/version.Version`]: version },
    try: ['--version'],
  });
}

/**
 * A command of Kubernetes 1.34, the last that runs on cgroup v1 unless forbidden to. All share one set of compiled
 * packages in Go's cache, so that the second one takes seconds. Without its variables it would call itself v0.0.0.
 */
function kubernetesPart(command: string, trial: readonly string[] = ['--version']): GoPart {
  const minor = '34';
  const patch = `${minor}.4`;
  const version = `v1.${patch}`;
  const component = 'k8s.io/component-base/version';
  return goPart(version, `k8s.io/kubernetes/cmd/${command}`, {
    module: 'k8s.io/kubernetes',
    directoriesAs: `v0.${patch}`,
    variables: {
      [`${component}.gitVersion`]: version,
      [`${component}.gitMajor`]: '1',
      [`${component}.gitMinor`]: minor,
      'k8s.io/client-go/pkg/version.gitVersion': version,
    },
    try: trial,
  });
}

function debianPart(version: string, name: string, options: Trial & { path: string }): DebianPart {
  return { source: 'debian', version, package: name, ...options };
}
