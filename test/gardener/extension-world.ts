/** A seed with gardenlet and one or more replicas of the extension's controllers, in front of the stand-in of the API server. */
import { ManualClock } from '../../src/kit/clock.ts';
import { LarderError } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createMetricsRegistry } from '../../src/kit/metrics.ts';
import { TaskGroup } from '../../src/kit/task-group.ts';
import type { Actuator } from '../../src/gardener/extensions/actuator.ts';
import { createExtensionController } from '../../src/gardener/extensions/extension-controller.ts';
import { watchExtensions, type WatchedExtensions } from '../../src/gardener/extensions/watched-extensions.ts';
import { createMirrorController } from '../../src/gardener/mirrors/mirror-controller.ts';
import { CACHE_CONTROLLER } from '../../src/gardener/names.ts';
import { createKubeClient, KUBE_CLIENT_LIMITS } from '../../src/kube/client/kube-client.ts';
import { declareKubeMetrics, type KubeMetrics } from '../../src/kube/metrics.ts';
import type { KubeClient } from '../../src/kube/types.ts';
import { startApi, type ApiServer } from '../kube/api-server.ts';
import { connectionTo } from '../kube/client.ts';
import { waitFor } from '../kit/wait.ts';
import { createGardenlet, IN_CLUSTERS, IN_EXTENSIONS, type Gardenlet } from './gardenlet.ts';

export interface ReplicaOptions {
  /** Actuator of the controller of caches. A function receives the replica's client. */
  readonly actuator: Actuator | ((client: KubeClient) => Actuator);
  /** Actuator of the controller of mirrors; by default one that has nothing to do. */
  readonly mirrors?: Actuator | undefined;
  readonly ignoreOperationAnnotation?: boolean;
  /** Changes the client that the controllers use. */
  readonly wrap?: (client: KubeClient) => KubeClient;
}

/** One process with both controllers. */
export interface Replica {
  readonly watched: WatchedExtensions;
  /** Time of its watches. It stands still unless the test moves it, because watches have tests of their own. */
  readonly watchClock: ManualClock;
  /** Reconciles that have begun and ended, of both controllers. */
  readonly reconciles: number;
  /**
   * True if it works on nothing, and knows everything that the server has. Keys that wait for their back-off do not count. False while it
   * ends.
   */
  isIdle(): boolean;
  lead(): void;
  /** Loses the lease: running work is aborted. */
  lose(): void;
  /** SIGTERM: running work may end. */
  stop(): Promise<void>;
}

export interface ExtensionWorld extends AsyncDisposable {
  readonly api: ApiServer;
  readonly clock: ManualClock;
  readonly gardenlet: Gardenlet;
  start(options: ReplicaOptions): Replica;
  /** True if all replicas that lead are idle. */
  isIdle(): boolean;
  /** Waits until `condition` holds. Whenever all replicas are idle, the clock advances a step, so that back-offs end. */
  until(condition: () => boolean, what: string): Promise<void>;
}

/** Shared by all worlds, because each registry observes the whole process, for ever. */
const METRICS = declareKubeMetrics(createMetricsRegistry());

/** Longer than any back-off after a dozen failures. */
const STEPS = 40;

export async function startExtensionWorld(): Promise<ExtensionWorld> {
  const api = await startApi();
  const clock = new ManualClock();
  const replicas = new Set<Replica>();
  const newest = { [IN_EXTENSIONS]: 0, [IN_CLUSTERS]: 0 };
  api.store.onChange(({ collection, version }) => {
    if (collection === IN_EXTENSIONS || collection === IN_CLUSTERS) newest[collection] = version;
  });

  function start({
    actuator,
    mirrors,
    ignoreOperationAnnotation = false,
    wrap = (one) => one,
  }: ReplicaOptions): Replica {
    const client = (own: ManualClock) =>
      createKubeClient(
        { connection: connectionTo(api), clock: own, metrics: METRICS },
        { userAgent: 'larder/test', limits: { ...KUBE_CLIENT_LIMITS, rate: { perSecond: 1e6, burst: 1e6 } } },
      );
    const closable = client(clock);
    const watchClock = new ManualClock();
    const watching = client(watchClock);
    const { metrics, count } = countingMetrics();
    const tasks = new TaskGroup(silentLogger);
    const deps = { client: wrap(closable), clock, logger: silentLogger, metrics, random: () => 0.5, tasks };
    const watched = watchExtensions({ ...deps, client: watching, clock: watchClock });
    const options = { type: 'registry-cache', name: CACHE_CONTROLLER, concurrency: 2 } as const;
    const controllers = [
      createExtensionController(
        { ...deps, watched },
        { ...options, ignoreOperationAnnotation },
        typeof actuator === 'function' ? actuator(deps.client) : actuator,
      ),
      createMirrorController({ ...deps, watched }, { concurrency: 1 }, mirrors),
    ];
    const stopping = new AbortController();
    const leading = new AbortController();
    let work: Promise<unknown> | undefined;
    let state: 'waits' | 'leads' | 'ends' = 'waits';

    const replica: Replica = {
      watched,
      watchClock,
      get reconciles() {
        return count.ended;
      },
      isIdle: () =>
        state === 'waits' ||
        (state === 'leads' &&
          watched.hasSynced() &&
          Number(watched.extensions.version) >= newest[IN_EXTENSIONS] &&
          Number(watched.clusters.version) >= newest[IN_CLUSTERS] &&
          count.added === count.ended),
      lead() {
        state = 'leads';
        const lease = { signal: leading.signal, isLive: () => !leading.signal.aborted };
        work = Promise.all(controllers.map((one) => one.run(stopping.signal, lease)));
      },
      lose() {
        state = 'ends';
        leading.abort(new LarderError('LEADERSHIP_LOST', 'another process leads'));
      },
      async stop() {
        state = 'ends';
        stopping.abort(new Error('SIGTERM'));
        await work;
        await tasks.close();
        await closable.close();
        await watching.close();
        replicas.delete(replica);
      },
    };
    replicas.add(replica);
    return replica;
  }

  const isIdle = (): boolean => [...replicas].every((replica) => replica.isIdle());
  return {
    api,
    clock,
    gardenlet: createGardenlet(api),
    start,
    isIdle,
    async until(condition, what) {
      for (let step = 0; step < STEPS; step += 1) {
        await waitFor(() => condition() || isIdle(), { what, everyMs: 1 });
        if (condition()) return;
        clock.advance(5 * 1.5 ** step);
      }
      throw new Error(`does not happen: ${what}`);
    },
    async [Symbol.asyncDispose]() {
      for (const replica of replicas) {
        replica.lose();
        await replica.stop();
      }
      await api[Symbol.asyncDispose]();
    },
  };
}

/** Metrics that also count keys that came due, and reconciles that ended. */
function countingMetrics(): { metrics: KubeMetrics; count: { added: number; ended: number } } {
  const count = { added: 0, ended: 0 };
  const counter = (name: 'added' | 'ended') => ({
    inc: (_labels: unknown, by = 1): void => void (count[name] += by),
  });
  const counters = { kubeQueueAdds: counter('added'), kubeReconciles: counter('ended') };
  return { metrics: { ...METRICS, ...counters } as unknown as KubeMetrics, count };
}
