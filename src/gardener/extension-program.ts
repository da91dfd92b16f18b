import { createAdminListener, type AdminDeps } from '../kit/admin/admin-listener.ts';
import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { drain, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createKubeClient, KUBE_CLIENT_LIMITS, type ClosableKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { Controller, Leading } from '../kube/controller/controller.ts';
import { createElector } from '../kube/leader-election/elector.ts';
import type { Leadership } from '../kube/leader-election/leadership.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import type { ObjectKey } from '../kube/types.ts';
import { work } from '../operator/work.ts';
import { extensionControllers, type ExtensionControllersSettings } from './extension-controllers.ts';
import { watchExtensions } from './extensions/watched-extensions.ts';
import { createHeartbeat, type HeartbeatOptions } from './heartbeat.ts';

/** Calls to the API server of the seed, as in the Go extension (its `app.go`). */
const RATE = { perSecond: 100, burst: 130 };

export interface ExtensionSettings extends ExtensionControllersSettings {
  /** Undefined: this process acts without a lease. */
  readonly lease: ObjectKey | undefined;
  /** Undefined: no heartbeat. */
  readonly heartbeat: HeartbeatOptions | undefined;
  /** Unique to this process. */
  readonly identity: string;
  /** Undefined: no such listener. */
  readonly metricsAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly version: string;
}

export interface ExtensionProgramDeps {
  /** Seed: Extensions, and all objects for shoots. */
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export interface RunningExtension {
  /**
   * Resolves after {@link RunningExtension.stop}. Rejects with `LEADERSHIP_LOST` when another process may lead: the program must end then.
   */
  readonly ended: Promise<void>;
  /** Lets running reconciles end, releases the lease and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts `larder extension`: listeners for health and metrics, watches, and in the background leader election with the controllers and the
 * heartbeat. Logs the event `ready` once the watches have synced. Throws `ADDRESS_IN_USE` and leaves nothing open.
 */
export async function startExtension(
  deps: ExtensionProgramDeps,
  settings: ExtensionSettings,
): Promise<RunningExtension> {
  const { connection, clock, logger, random } = deps;
  const { lease, identity, version } = settings;
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(logger);
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  let leadership: Leadership | undefined;

  const connect = (to: KubeConnection, beforeWrite?: () => void): ClosableKubeClient =>
    createKubeClient(
      { connection: to, clock, metrics, ...(beforeWrite !== undefined && { beforeWrite }) },
      { userAgent: `larder/${version} (extension)`, limits: { ...KUBE_CLIENT_LIMITS, rate: RATE } },
    );
  const clientOf = (beforeWrite?: () => void): ClosableKubeClient =>
    cleanup.adopt(connect(connection, beforeWrite), (client) => client.close());
  const onlyAsLeader = (): void => {
    if (lease === undefined) return;
    if (leadership === undefined) throw new LarderError('LEADERSHIP_LOST', 'this process does not lead yet');
    leadership.assertLive();
  };
  // Leases have clients of their own, so that a renewal never waits behind reconciles.
  const client = clientOf(onlyAsLeader);
  const heartbeats = clientOf(onlyAsLeader);
  const elections = clientOf();

  cleanup.defer(() => tasks.close());
  const kit = { client, clock, logger, metrics };
  const watched = watchExtensions({ ...kit, random, tasks });
  const controllers = extensionControllers({ ...kit, connect: (shoot) => connect(shoot), watched }, settings);
  const heartbeat =
    settings.heartbeat && createHeartbeat({ client: heartbeats, clock, logger }, settings.heartbeat);

  const serve = async (
    address: Address | undefined,
    flag: string,
    listener: Pick<AdminDeps, 'ready' | 'metricsPath'>,
  ) => {
    if (address === undefined) return;
    const server = createAdminListener({ logger, metrics, ...listener });
    await listen(server, address, flag);
    cleanup.defer(() => drain(server, () => 0, clock, 0));
  };
  const ready = (): boolean => !stopping.signal.aborted && watched.hasSynced();
  await serve(settings.healthAddress, '--health-bind-address', { ready, metricsPath: false });
  await serve(settings.metricsAddress, '--metrics-bind-address', {});

  tasks.run('report readiness', async (signal) => {
    await watched.whenSynced(signal);
    logger.info('extension started', { event: 'ready', controllers: settings.controllers });
  });

  const lead = (leading: Leading): Promise<void> =>
    work([...controllers, UNTIL_STOP], async (signal) => heartbeat?.run(signal), stopping.signal, leading);
  const elector =
    lease && createElector({ client: elections, clock, logger, metrics, random }, { lease, identity });
  const ended =
    elector === undefined
      ? lead(ALWAYS)
      : elector.lead((now) => {
          leadership = now;
          return lead(now);
        }, stopping.signal);
  // The caller handles a rejection of `ended` later. Until then it must not count as unhandled.
  ended.catch(() => {});

  const owned = cleanup.move();
  return {
    ended,
    async stop() {
      stopping.abort(new LarderError('SHUTTING_DOWN', 'Larder is stopping'));
      await ended.catch(() => {});
      await owned.disposeAsync();
    },
  };
}

/** Keeps the work going when no controller is wanted. */
const UNTIL_STOP: Controller = {
  async warm() {},
  run: (stop, leading) =>
    new Promise((resolve) => {
      const signal = AbortSignal.any([stop, leading.signal]);
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }),
};

/** Leadership of a process without a lease. */
const ALWAYS: Leading = { signal: new AbortController().signal, isLive: () => true };
