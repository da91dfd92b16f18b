/** A seed and a shoot with gardenlet, gardener-resource-manager and the controllers with the real work on caches. */
import { createCachesActuator } from '../../src/gardener/actuator/caches-actuator.ts';
import type { Clock } from '../../src/kit/clock.ts';
import { createMirrorsActuator } from '../../src/gardener/replication/mirrors-actuator.ts';
import { createReplicatedActuator } from '../../src/gardener/replication/replicated-actuator.ts';
import type { TakeDown } from '../../src/gardener/replication/take-down.ts';
import { takeDown as fromShoot } from '../../src/gardener/replication/take-down.ts';
import { Turns } from '../../src/gardener/replication/turns.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import type { CertificateFactory } from '../../src/kube/certificates/certificate-factory.ts';
import type { ClosableKubeClient } from '../../src/kube/client/kube-client.ts';
import type { KubeConnection } from '../../src/kube/connection/connection.ts';
import type { KubeClient, MergePatch } from '../../src/kube/types.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import { clientOf } from '../kube/client.ts';
import { mergePatched } from '../kube/merge-patch.ts';
import { waitFor } from '../kit/wait.ts';
import { startExtensionWorld, type ExtensionWorld, type Replica } from './extension-world.ts';
import { askInProcess } from './in-process-webhooks.ts';
import type { AskWebhook } from './play-osc.ts';
import { baseShoot } from './recorded-admission.ts';
import type { CaseInput } from './recorded-cases.ts';
import type { AnyObject, SnapshotKind } from './recorded-snapshot.ts';
import { startResourceManager, type ManagerMode, type ResourceManager } from './resource-manager.ts';

export const LARDER_IMAGE = 'registry.example/larder:0.1.0';

export interface CachesWorld extends AsyncDisposable {
  readonly world: ExtensionWorld;
  readonly shoot: ApiServer;
  readonly manager: ResourceManager;
  readonly namespace: string;
  /** Lists the objects that recordings describe, in the order of their creation. */
  readonly list: (kind: SnapshotKind) => readonly AnyObject[];
  /** Names of the Secrets that the test has written and does not look at. */
  readonly own: Set<string>;
  putSecret(name: string, secret: TestSecret): void;
  /** Asks the webhooks for nodes. */
  readonly ask: AskWebhook;
  start(wrap?: <T extends KubeClient>(client: T) => T, more?: { readonly handBack: boolean }): Replica;
  /** Advances the clock whenever all wait for it, until nothing happens any more, or until `isDone`, or after some hours. */
  settle(isDone?: () => boolean): Promise<void>;
  /** True while the work waits for a time. */
  isWaiting(): boolean;
}

export interface TestSecret {
  readonly data?: Readonly<Record<string, string | number>>;
  readonly labels?: object;
  readonly immutable?: boolean;
  readonly tracked?: boolean;
}

export interface CachesWorldOptions {
  readonly namespace: string;
  readonly input: Partial<CaseInput>;
  readonly certificates: CertificateFactory;
  /** Takes replication out of a shoot, in place of the real one. */
  readonly takeDown?: TakeDown;
}

/** The last steps are longer than any back-off. */
const STEPS = 35;

const NO_LIMITS = { rate: { perSecond: 1e6, burst: 1e6 } };

export async function startCachesWorld({
  namespace,
  input,
  certificates,
  takeDown = fromShoot,
}: CachesWorldOptions): Promise<CachesWorld> {
  const world = await startExtensionWorld();
  const shoot = await startApi();
  const { api: seed, clock, gardenlet } = world;
  const clients: ClosableKubeClient[] = [];
  const waiting = new Set<object>();
  const own = new Set<string>();
  const reader = clientOf(seed, { clock, limits: NO_LIMITS });
  clients.push(reader);

  /** Knows of everything that waits for a time. */
  const watchedClock: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(ms, callback) {
      const timer = {};
      waiting.add(timer);
      const cancel = clock.after(ms, () => {
        waiting.delete(timer);
        callback();
      });
      return () => {
        waiting.delete(timer);
        cancel();
      };
    },
  };

  function putSecret(name: string, { data = {}, labels = {}, immutable, tracked = false }: TestSecret): void {
    if (!tracked) own.add(name);
    const entries = Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(String(value)).toString('base64'),
    ]);
    seed.put('v1/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels },
      type: 'Opaque',
      ...(immutable !== undefined && { immutable }),
      data: Object.fromEntries(entries) as object,
    });
  }

  // The rights of the chart name the objects that may be written.
  const fault = { kind: 'status', status: 403, reason: 'Forbidden' } as const;
  seed.faults.add({ fault, verb: 'patch', path: '/extensions/my-cache', times: Infinity });
  gardenlet.createShoot(namespace, {
    labels: input.namespaceLabels ?? {},
    cluster: false,
  });
  const shootDocument = mergePatched(baseShoot(), { ...(input.shoot as MergePatch | undefined) });
  gardenlet.patchShoot(namespace, shootDocument);
  if (input['cluster'] === false) gardenlet.deleteCluster(namespace);
  const access = input['shootKubeconfig'] ?? true;
  if (access === true || access === 'internal' || access === 'both')
    putSecret('gardener-internal', { data: { kubeconfig: kubeconfigOf(shoot.url) } });
  if (access !== false && access !== 'internal')
    putSecret('gardener', {
      data: { kubeconfig: kubeconfigOf(access === true ? 'http://127.0.0.1:1' : shoot.url) },
    });
  for (const [name, secret] of Object.entries(input.secrets ?? {})) putSecret(name, secret);
  const manager = startResourceManager(seed, shoot, {
    namespace,
    mode: (input['grm'] ?? 'normal') as ManagerMode,
    isIPv6: input['ipFamily'] === 'IPv6',
  });

  return {
    world,
    shoot,
    manager,
    namespace,
    own,
    list(kind) {
      const place =
        kind === 'Service'
          ? shoot.store.list(COLLECTIONS[kind], 'kube-system')
          : seed.store.list(COLLECTIONS[kind], namespace);
      return (place as unknown as AnyObject[]).toSorted(byCreation);
    },
    putSecret,
    ask: askInProcess(reader),
    isWaiting: () => waiting.size > 0,
    start(wrap = (client) => client, { handBack } = { handBack: false }) {
      const client = clientOf(seed, { clock, limits: NO_LIMITS });
      clients.push(client);
      const deps = {
        client: wrap(client),
        clock: watchedClock,
        logger: silentLogger,
        certificates,
        connect: (connection: KubeConnection) =>
          wrap(clientOf(shoot, { connection, clock, limits: NO_LIMITS })),
        turns: new Turns(),
        takeDown,
      };
      const settings = { image: () => LARDER_IMAGE, shootAddress: 'internal', handBack } as const;
      const caches = createCachesActuator(deps, settings);
      const replica = world.start({
        actuator: createReplicatedActuator(deps, settings, caches),
        mirrors: createMirrorsActuator(deps, settings),
        wrap,
      });
      replica.lead();
      return replica;
    },
    async settle(isDone) {
      let idle = 0;
      while (idle < STEPS) {
        await waitFor(() => isDone?.() === true || world.isIdle() || waiting.size > 0, { everyMs: 1 });
        if (isDone === undefined ? world.isIdle() : isDone()) return;
        if (waiting.size > 0) clock.advance(2000);
        else clock.advance(5 * 1.5 ** (idle += 1));
      }
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      for (const client of clients) await client.close();
      await shoot[Symbol.asyncDispose]();
    },
  };
}

const COLLECTIONS: Readonly<Record<SnapshotKind, string>> = {
  Secret: 'v1/secrets',
  ManagedResource: 'resources.gardener.cloud/v1alpha1/managedresources',
  ConfigMap: 'v1/configmaps',
  PrometheusRule: 'monitoring.coreos.com/v1/prometheusrules',
  ScrapeConfig: 'monitoring.coreos.com/v1alpha1/scrapeconfigs',
  Service: 'v1/services',
};

/** The stand-in of the API server numbers its objects. */
function byCreation(a: AnyObject, b: AnyObject): number {
  return Number(a.metadata.uid.slice(4)) - Number(b.metadata.uid.slice(4));
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    'current-context': 'shoot',
    contexts: [{ name: 'shoot', context: { cluster: 'shoot', user: 'shoot' } }],
    clusters: [{ name: 'shoot', cluster: { server } }],
    users: [{ name: 'shoot', user: { token: 'token' } }],
  });
}
