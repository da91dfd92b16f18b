/** A client of the API stand-in, or of a real API server, with a clock that the test moves. */
import { ManualClock, type Clock } from '../../src/kit/clock.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { declareKubeMetrics, type KubeMetrics } from '../../src/kube/metrics.ts';
import {
  createKubeClient,
  KUBE_CLIENT_LIMITS,
  type ClosableKubeClient,
  type KubeClientLimits,
} from '../../src/kube/client/kube-client.ts';
import type { KubeConnection } from '../../src/kube/connection/connection.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../src/kube/objects/config-maps.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { parseMetrics } from '../kit/metrics.ts';

export const SECRETS: Resource<ConfigMap> = { ...CONFIG_MAPS, kind: 'Secret', plural: 'secrets' };

export interface Deployment extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export const DEPLOYMENTS: Resource<Deployment> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

/** Collection of ConfigMaps in the stand-in. */
export const IN_CONFIG_MAPS = 'v1/configmaps';

export function configMap(name: string, data: Readonly<Record<string, string>> = {}, namespace = 'default') {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

/** Address and credentials of a server, which `startApi` and a real API server give alike. */
export interface Endpoint {
  readonly url: string;
  readonly ca?: string;
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export function connectionTo({ url, ca, token, cert, key }: Endpoint): KubeConnection {
  return {
    server: url,
    namespace: 'default',
    access: async () => ({
      tls: { ca, cert, key, serverName: undefined, verify: true },
      authorization: token === undefined ? undefined : `Bearer ${token}`,
    }),
    refresh() {},
  };
}

export interface TestClient extends ClosableKubeClient, AsyncDisposable {
  readonly clock: ManualClock;
  readonly metrics: KubeMetrics;
  /** Sum of all series with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

export interface TestClientOptions {
  readonly connection?: KubeConnection;
  readonly limits?: Partial<KubeClientLimits>;
  readonly clock?: ManualClock;
  readonly beforeWrite?: () => void;
}

export function clientOf(endpoint: Endpoint, options: TestClientOptions = {}): TestClient {
  const clock = options.clock ?? new ManualClock();
  const metrics = declareKubeMetrics(createMetricsRegistry());
  return {
    ...withClock(endpoint, clock, metrics, options),
    clock,
    metrics,
    metric: async (name, labels) => parseMetrics(await metrics.registry.metrics()).sum(name, labels),
  };
}

/** The same with the machine's own time. */
export function realTimeClientOf(endpoint: Endpoint, clock: Clock): ClosableKubeClient & AsyncDisposable {
  return withClock(endpoint, clock, declareKubeMetrics(createMetricsRegistry()), {});
}

function withClock(endpoint: Endpoint, clock: Clock, metrics: KubeMetrics, options: TestClientOptions) {
  const client = createKubeClient(
    {
      connection: options.connection ?? connectionTo(endpoint),
      clock,
      metrics,
      ...(options.beforeWrite !== undefined && { beforeWrite: options.beforeWrite }),
    },
    { userAgent: 'larder/test', limits: { ...KUBE_CLIENT_LIMITS, ...options.limits } },
  );
  return { ...client, [Symbol.asyncDispose]: () => client.close() };
}

/** A signal that never aborts. */
export const forever = (): { readonly signal: AbortSignal } => ({ signal: new AbortController().signal });
