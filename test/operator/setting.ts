/** An operator in this process, in front of a real API server without nodes: pods are created and never run. */
import { systemClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createKubeconfigConnection } from '../../src/kube/connection/kubeconfig-connection.ts';
import { nodeLease } from '../../src/fleet/node-lease.ts';
import type { NodeStatus } from '../../src/fleet/node-status.ts';
import type { NodeDocument } from '../../src/fleet/node-document.ts';
import { startOperator, type RunningOperator } from '../../src/operator/program.ts';
import { MIRROR_CONFIG_CRD } from '../../src/api/crd/mirror-config-crd.ts';
import { REGISTRY_CONFIG_CRD } from '../../src/api/crd/registry-config-crd.ts';
import { startApiServer, type ApiServer } from '../cluster/start-api-server.ts';
import type { Kubectl } from '../cluster/kubectl.ts';
import { waitFor } from '../kit/index.ts';

/** Namespaces of the operator and of its users. */
export const SYSTEM = 'larder-system';
export const TEAM = 'team';

export const RELAY_URL = 'https://127.0.0.1:5010';

/** An object as the API server has it, with the fields that tests look at. */
export interface Held {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
      readonly observedGeneration?: number;
    }[];
    readonly caches?: readonly {
      readonly upstream: string;
      readonly state: string;
      readonly credentialState?: string;
      readonly nodes?: { readonly configured: number; readonly total: number };
    }[];
    readonly mirrors?: readonly { readonly upstream: string; readonly state: string }[];
    readonly summary?: { readonly hits?: string };
  };
}

/** Starts an API server with the CRDs, the namespaces and, by default, its controllers. Disposing it stops it. */
export async function startOperatedApi({ controllerManager = true } = {}): Promise<ApiServer> {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await startApiServer({ controllerManager }));
  await api.kubectl.apply(REGISTRY_CONFIG_CRD, MIRROR_CONFIG_CRD, namespace(SYSTEM), namespace(TEAM));
  await api.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s');
  cleanup.move();
  return api;
}

export interface OperatorOptions {
  /** Kubeconfig of the operator's identity. */
  readonly kubeconfig: string;
  readonly identity?: string;
  readonly image?: string;
  readonly serviceAccountName?: string;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly serviceMonitorLabels?: Readonly<Record<string, string>>;
}

/** Starts `larder operator`. Disposing it stops it. */
export async function operate({
  kubeconfig,
  identity = 'one',
  image = 'larder.example/larder:1',
  serviceAccountName = 'default',
  podLabels = {},
  serviceMonitorLabels = {},
}: OperatorOptions): Promise<RunningOperator & AsyncDisposable> {
  const ending = new AbortController();
  const connection = await createKubeconfigConnection(
    { clock: systemClock, logger: silentLogger, signal: ending.signal },
    { file: kubeconfig, context: undefined, environment: {} },
  );
  const operator = await startOperator(
    { connection, clock: systemClock, logger: silentLogger, random: Math.random },
    {
      namespace: SYSTEM,
      image,
      imagePullSecrets: [],
      serviceAccountName,
      podLabels,
      objectLabels: {},
      tolerations: [],
      nodeSelector: {},
      serviceMonitorLabels,
      nodeAgent: 'larder-node-agent',
      relayUrl: RELAY_URL,
      priorityClassName: undefined,
      claimRetention: 'Delete',
      identity,
      adminAddress: { host: '127.0.0.1', port: 0 },
      version: 'test',
    },
  );
  return {
    ...operator,
    async [Symbol.asyncDispose]() {
      await operator.stop();
      ending.abort();
    },
  };
}

export function registryConfig(name: string, ...caches: readonly object[]): object {
  return {
    apiVersion: 'registry.extensions.gardener.cloud/v1alpha3',
    kind: 'RegistryConfig',
    metadata: { namespace: TEAM, name },
    spec: { caches },
  };
}

export function mirrorConfig(name: string, ...mirrors: readonly object[]): object {
  return {
    apiVersion: 'mirror.extensions.gardener.cloud/v1alpha1',
    kind: 'MirrorConfig',
    metadata: { namespace: TEAM, name },
    spec: { mirrors },
  };
}

export function secret(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: TEAM, name }, stringData };
}

/** The report of a node that has carried out `revision` and has these upstreams. */
export function nodeReport(node: string, revision: string, ...upstreams: readonly string[]): object {
  const status: NodeStatus = {
    revision,
    containerd: { state: 'Set', message: '' },
    upstreams: upstreams.map((upstream) => ({ upstream, state: 'Ready', message: '' })),
  };
  return nodeLease({ node, status, renewedAt: Date.now() }, SYSTEM, undefined);
}

/** Looks at a cluster as its users do. */
export function observer(kubectl: Kubectl) {
  const get = async (kind: string, name: string, inNamespace = SYSTEM): Promise<Held | undefined> => {
    const { items } = await kubectl.json<{ items: readonly Held[] }>(
      kind,
      '--namespace',
      inNamespace,
      `--field-selector=metadata.name=${name}`,
    );
    return items[0];
  };
  const condition = async (name: string, type: string, kind = 'registryconfig') =>
    (await get(kind, name, TEAM))?.status?.conditions?.find((one) => one.type === type);
  return {
    get,
    condition,
    /** Names of all objects that carry the operator's label, as `kind/name`. */
    async ours(): Promise<string[]> {
      const kinds = 'statefulset,service,configmap,secret,networkpolicy,poddisruptionbudget';
      const label = '--selector=app.kubernetes.io/managed-by=larder-operator';
      const lines = await kubectl('get', kinds, '--namespace', SYSTEM, label, '--output=name');
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    },
    /** The node document. */
    async document(): Promise<NodeDocument> {
      const text =
        (await get('configmap', 'larder-nodes'))?.data?.['nodes.json'] ?? '{"caches":[],"mirrors":[]}';
      return JSON.parse(text) as NodeDocument;
    },
    /** Waits for the reason of a condition and returns its message. */
    async reason(name: string, type: string, reason: string, kind = 'registryconfig'): Promise<string> {
      const found = await waitFor(
        async () => {
          const now = await condition(name, type, kind);
          return now?.reason === reason ? now : undefined;
        },
        { limitMs: 30_000, everyMs: 100, what: `${kind} ${name} to be ${type} for ${reason}` },
      );
      return found.message;
    },
  };
}

function namespace(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}
