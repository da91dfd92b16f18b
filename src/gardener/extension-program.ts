import { sleep, type Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import type { ClosableKubeClient } from '../kube/client/kube-client.ts';
import { programClients, type ProgramClientOptions } from '../kube/client/program-clients.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { Controller } from '../kube/controller/controller.ts';
import { createLedWork } from '../kube/leader-election/led-work.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { work } from '../operator/work.ts';
import { extensionControllers, type ExtensionControllersSettings } from './extension-controllers.ts';
import { openExtensionWebhooks, type ExtensionWebhooksSettings } from './extension-webhooks.ts';
import { watchExtensions } from './extensions/watched-extensions.ts';
import { createHeartbeat, type HeartbeatOptions } from './heartbeat.ts';
import { declareAdmissionMetrics } from './metrics.ts';
import { startProgramListeners, type ProgramSettings } from './program-listeners.ts';
import { withWords } from './server-text.ts';
import { STILL_ROUTED_MS, type Webhooks } from './webhook/webhooks.ts';

export interface ExtensionSettings extends ExtensionControllersSettings, ProgramSettings {
  /** Undefined: no heartbeat. */
  readonly heartbeat: HeartbeatOptions | undefined;
  /** Undefined: no webhooks. */
  readonly webhooks: ExtensionWebhooksSettings | undefined;
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
   * Resolves after {@link RunningExtension.stop}. Rejects if the webhooks cannot be opened or registered, and with `LEADERSHIP_LOST` when another
   * process may lead: the program must end then.
   */
  readonly ended: Promise<void>;
  /** Lets running reconciles end, releases the lease, answers for 3 s more and closes everything; at once if the work has failed. */
  stop(): Promise<void>;
}

/**
 * Starts `larder extension`: listeners for health and metrics, watches, and in the background the webhooks, and leader election with the
 * controllers and the heartbeat. Logs the event `ready` once the watches have synced and the webhooks are served. Throws `ADDRESS_IN_USE` and
 * leaves nothing open.
 */
export async function startExtension(
  deps: ExtensionProgramDeps,
  settings: ExtensionSettings,
): Promise<RunningExtension> {
  const { connection, clock, logger, random } = deps;
  const registry = createMetricsRegistry();
  const metrics = { ...declareKubeMetrics(registry), ...declareAdmissionMetrics(registry) };
  const tasks = new TaskGroup(logger);
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  let webhooks: Webhooks | undefined;

  const connect = programClients({ clock, metrics }, { program: 'extension', version: settings.version });
  const clientOf = (options?: ProgramClientOptions): ClosableKubeClient =>
    cleanup.adopt(connect(connection, options), (client) => client.close());
  // Leases have clients of their own, so that a renewal never waits behind reconciles.
  const elections = clientOf();
  const led = createLedWork({ client: elections, clock, logger, metrics, random }, settings);
  const guard = { beforeWrite: led.assertLeading };
  const client = clientOf(guard);
  const heartbeats = clientOf(guard);
  const hooked = {
    reads: clientOf({ isUrgent: true }),
    registrations: clientOf(guard),
    secrets: clientOf(),
    clock,
    logger,
    metrics,
    tasks,
  };

  cleanup.defer(() => webhooks?.close());
  cleanup.defer(() => tasks.close());
  const kit = { client, clock, logger, metrics };
  const watched = watchExtensions({ ...kit, random, tasks });
  const controllers = extensionControllers({ ...kit, connect: (shoot) => connect(shoot), watched }, settings);
  const heartbeat =
    settings.heartbeat && createHeartbeat({ client: heartbeats, clock, logger }, settings.heartbeat);

  const isServing = (): boolean => settings.webhooks === undefined || webhooks?.isServing() === true;
  const ready = (): boolean => !stopping.signal.aborted && watched.hasSynced() && isServing();
  await startProgramListeners({ logger, metrics, clock, cleanup }, settings, ready);

  async function run(stop: AbortSignal): Promise<void> {
    webhooks = await openExtensionWebhooks(hooked, settings.webhooks, stop);
    tasks.run('report readiness', async (signal) => {
      await watched.whenSynced(signal);
      const { controllers: wanted, webhooks: served } = settings;
      logger.info('extension started', {
        event: 'ready',
        controllers: wanted,
        webhooks: served?.types ?? [],
      });
    });
    // A replica is ready only then, and a registration without one denies every configuration of nodes.
    const leadWhenSynced = async (signal: AbortSignal): Promise<void> => {
      await watched.whenSynced(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!signal.aborted) await webhooks?.lead(signal);
    };
    const background = async (signal: AbortSignal): Promise<void> => {
      await Promise.all([heartbeat?.run(signal), leadWhenSynced(signal)]);
    };
    const leading = led.lead((now) => work([...controllers, UNTIL_STOP], background, stop, now), stop);
    await leading.catch((cause: unknown) => {
      throw withWords('error running manager', cause);
    });
  }

  let hasFailed = false;
  const ended = run(stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    hasFailed = true;
    throw error;
  });
  // The caller handles a rejection of `ended` later. Until then it must not count as unhandled.
  ended.catch(() => {});

  const owned = cleanup.move();
  return {
    ended,
    async stop() {
      stopping.abort(new LarderError('SHUTTING_DOWN', 'Larder is stopping'));
      webhooks?.retire();
      await ended.catch(() => {});
      if (webhooks !== undefined && !hasFailed) await sleep(clock, STILL_ROUTED_MS);
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
