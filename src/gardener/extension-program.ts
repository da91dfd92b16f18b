import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import { createProcessMetrics } from '../kit/metrics.ts';
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
import { CACHE_CONTROLLER } from './names.ts';
import { startProgramLife, type ProgramLife } from './program-life.ts';
import { startProgramListeners, type ProgramSettings } from './program-listeners.ts';
import { createReportRounds } from './replication/report-rounds.ts';
import { withWords } from './server-text.ts';
import type { Webhooks } from './webhook/webhooks.ts';

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

/**
 * Starts `larder extension`: listeners for health and metrics, watches, and in the background the webhooks, and leader election with the
 * controllers and the heartbeat. Logs the event `ready` once the watches have synced and the webhooks are served. Throws `ADDRESS_IN_USE` and
 * leaves nothing open. Its work fails if the webhooks cannot be opened or registered, and with `LEADERSHIP_LOST` when another process may lead.
 * A stop lets running reconciles end and releases the lease.
 */
export async function startExtension(
  deps: ExtensionProgramDeps,
  settings: ExtensionSettings,
): Promise<ProgramLife> {
  const { connection, clock, logger, random } = deps;
  const registry = createProcessMetrics();
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
  const connectShoot = (limits: ProgramClientOptions['limits'] & object) => (shoot: KubeConnection) =>
    connect(shoot, { limits });
  const controllers = extensionControllers(
    { ...kit, connect: connectShoot(SHOOT_LIMITS), watched },
    settings,
  );
  const reports = settings.controllers.includes(CACHE_CONTROLLER)
    ? createReportRounds({ ...kit, connect: connectShoot(REPORT_LIMITS), watched }, settings)
    : undefined;
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
      await Promise.all([heartbeat?.run(signal), reports?.run(signal), leadWhenSynced(signal)]);
    };
    const leading = led.lead((now) => work([...controllers, UNTIL_STOP], background, stop, now), stop);
    await leading.catch((cause: unknown) => {
      throw withWords('error running manager', cause);
    });
  }

  return startProgramLife(
    { clock, stopping, cleanup },
    { run, retire: () => webhooks?.retire(), isRouted: () => webhooks !== undefined },
  );
}

/** Most of one list that a shoot puts into the memory, which all shoots of a seed share. Pages have 500 objects. */
const SHOOT_LIMITS = { answerBytes: 4 * 1024 * 1024, pages: 20 };
/** A report has eight numbers, and its ConfigMap some metadata. */
const REPORT_LIMITS = { answerBytes: 64 * 1024, callMs: 10_000 };

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
