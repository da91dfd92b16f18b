import { fileURLToPath } from 'node:url';
import { upstreamResourceName } from '../../src/api/rules/upstream-names.ts';
import type { Cluster } from '../cluster/start-cluster.ts';
import { get, parseMetrics, waitFor, type Metrics } from '../kit/index.ts';
import { needPart } from '../parts/find.ts';
import { run } from '../parts/run.ts';
import { relayAuthority } from '../node-agent/relay-authority.ts';
import type { ImageName } from './larder-image.ts';

const CHART = fileURLToPath(new URL('../../deploy/charts/larder', import.meta.url));
export const NAMESPACE = 'larder-system';
const CRDS = [
  'registryconfigs.registry.extensions.gardener.cloud',
  'mirrorconfigs.mirror.extensions.gardener.cloud',
];
const LIMIT_MS = 240_000;

/** The programs of Larder: the two of the chart, or the cache of an upstream. */
export type Program = 'operator' | 'node-agent' | { readonly cacheOf: string };

/** A program's pod, which has one container. */
export interface ProgramPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly [{ readonly image: string }] };
  readonly status: {
    readonly podIP: string;
    readonly containerStatuses?: readonly [
      { readonly ready: boolean; readonly restartCount: number; readonly containerID: string },
    ];
  };
}

/** Larder as Helm installs it, and what a person with access to its namespace can do and see. */
export interface Release {
  /** Installs or changes it, with these values besides its image, and waits until it runs. */
  install(...values: readonly string[]): Promise<string>;
  /** Runs `helm test` and gives what it printed, with the log of its Pod. */
  test(): Promise<string>;
  uninstall(): Promise<string>;
  /** Takes away whatever there is of it: release, namespace, CRDs with all their objects. */
  purge(): Promise<void>;
  /** The one pod of a program, once it is ready. */
  pod(program: Program): Promise<ProgramPod>;
  /** Removes the pod of a program at once, as a node does that dies. */
  removePod(program: Program): Promise<void>;
  /** Sends a signal to a program, past Kubernetes. */
  signal(program: Program, signal: NodeJS.Signals): Promise<void>;
  metricsOf(upstream: string): Promise<Metrics>;
  /** Whether the cache of an upstream finds that it fails. */
  isFailing(upstream: string): Promise<boolean>;
  /** Status of a GET through the relay of the node, as containerd sends it. Throws while there is no hosts.toml. */
  askRelay(upstream: string, path: string): Promise<number>;
  /** Waits until such a GET is answered with 200: relay, cache and the way between them are there. */
  relayed(upstream: string, path: string): Promise<void>;
}

interface CacheStats {
  readonly upstreams: readonly { readonly upstream: string; readonly failing: boolean }[];
}

/** Where the node agent relays. */
const RELAY = 'https://127.0.0.1:5010';

export function createRelease(cluster: Cluster, image: ImageName): Release {
  const { kubectl } = cluster;
  const inNamespace = `--namespace=${NAMESPACE}`;
  const runHelm = (...args: readonly string[]) => {
    const env = {
      KUBECONFIG: cluster.api.kubeconfig,
      HELM_CACHE_HOME: '/run/helm',
      HELM_CONFIG_HOME: '/run/helm',
    };
    return run(needPart('helm'), args, { env, place: cluster, limit: LIMIT_MS });
  };
  const helm = async (...args: readonly string[]) => (await runHelm(...args)).stdout;
  const podsOf = async (program: Program): Promise<readonly ProgramPod[]> => {
    const selector = `--selector=${selectorOf(program)}`;
    const { items } = await kubectl.json<{ items: readonly ProgramPod[] }>('pods', inNamespace, selector);
    return items;
  };
  const pod: Release['pod'] = (program) => {
    const ready = async () => {
      const pods = await podsOf(program);
      return pods.length === 1 && pods[0]?.status.containerStatuses?.[0].ready && pods[0];
    };
    return waitFor(ready, { limitMs: LIMIT_MS, everyMs: 300, what: `one ready pod ${selectorOf(program)}` });
  };
  /** What the admin listener of a cache answers. A pod that is ready is reached by its Service once kube-proxy has heard of it. */
  const read = async (upstream: string, path: string): Promise<string> => {
    const service = upstreamResourceName(upstream);
    const clusterIp = await kubectl(
      'get',
      'service',
      service,
      inNamespace,
      '--output=jsonpath={.spec.clusterIP}',
    );
    const url = `${await cluster.reach(`http://${clusterIp}:5001`)}${path}`;
    const answer = await waitFor(() => get(url), {
      limitMs: LIMIT_MS,
      everyMs: 300,
      what: `${service}${path}`,
    });
    return answer.text();
  };
  const askRelay: Release['askRelay'] = async (upstream, path) => {
    const relay = await cluster.reach(RELAY);
    const ca = relayAuthority(cluster.hosts, upstream);
    return (await get(`${relay}${path}?ns=${encodeURIComponent(upstream)}`, { ca })).status;
  };
  return {
    async install(...values) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace' };
      const labels = { 'pod-security.kubernetes.io/enforce': 'privileged' };
      await kubectl.apply({ ...namespace, metadata: { name: NAMESPACE, labels } });
      const all = [`image.repository=${image.repository}`, `image.tag=${image.tag}`, ...values];
      const settings = all.flatMap((value) => ['--set', value]);
      const flags = [inNamespace, '--wait', '--timeout=3m', ...settings];
      return helm('upgrade', '--install', 'larder', CHART, ...flags);
    },
    async test() {
      const { stdout, stderr } = await runHelm('test', 'larder', inNamespace, '--timeout=3m');
      return stdout + stderr;
    },
    uninstall: () => helm('uninstall', 'larder', inNamespace, '--wait', '--timeout=3m'),
    async purge() {
      await helm('uninstall', 'larder', inNamespace, '--ignore-not-found', '--wait', '--timeout=3m');
      await kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=120s');
      await kubectl('delete', 'customresourcedefinitions', ...CRDS, '--ignore-not-found', '--timeout=120s');
    },
    pod,
    async removePod(program) {
      const { metadata } = await pod(program);
      await kubectl('delete', 'pod', metadata.name, inNamespace, '--grace-period=0', '--force');
    },
    async signal(program, signal) {
      const [status] = (await podsOf(program)).flatMap((one) => one.status.containerStatuses ?? []);
      if (status === undefined) throw new Error(`no pod ${selectorOf(program)} has a container`);
      await cluster.node.signal(status.containerID, signal);
    },
    metricsOf: async (upstream) => parseMetrics(await read(upstream, '/metrics')),
    async isFailing(upstream) {
      const { upstreams } = JSON.parse(await read(upstream, '/api/v1/stats')) as CacheStats;
      return upstreams.some((one) => one.upstream === upstream && one.failing);
    },
    askRelay,
    async relayed(upstream, path) {
      const answers = async () => (await askRelay(upstream, path)) === 200;
      await waitFor(answers, {
        limitMs: LIMIT_MS,
        everyMs: 300,
        what: `the relay to give ${upstream}${path}`,
      });
    },
  };
}

function selectorOf(program: Program): string {
  return typeof program === 'string'
    ? `app.kubernetes.io/component=${program}`
    : `app=${upstreamResourceName(program.cacheOf)}`;
}
