import type { Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import type { ClosableKubeClient } from '../kube/client/kube-client.ts';
import { programClients } from '../kube/client/program-clients.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import type { Controller } from '../kube/controller/controller.ts';
import { createLedWork } from '../kube/leader-election/led-work.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { work } from '../operator/work.ts';
import { extensionControllers, type ExtensionControllersSettings } from './extension-controllers.ts';
import { watchExtensions } from './extensions/watched-extensions.ts';
import { createHeartbeat, type HeartbeatOptions } from './heartbeat.ts';
import { startProgramListeners, type ProgramSettings } from './program-listeners.ts';

export interface ExtensionSettings extends ExtensionControllersSettings, ProgramSettings {
  /** Undefined: no heartbeat. */
  readonly heartbeat: HeartbeatOptions | undefined;
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
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const tasks = new TaskGroup(logger);
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();

  const connect = programClients({ clock, metrics }, { program: 'extension', version: settings.version });
  const clientOf = (beforeWrite?: () => void): ClosableKubeClient =>
    cleanup.adopt(connect(connection, beforeWrite), (client) => client.close());
  // Leases have clients of their own, so that a renewal never waits behind reconciles.
  const elections = clientOf();
  const led = createLedWork({ client: elections, clock, logger, metrics, random }, settings);
  const client = clientOf(led.assertLeading);
  const heartbeats = clientOf(led.assertLeading);

  cleanup.defer(() => tasks.close());
  const kit = { client, clock, logger, metrics };
  const watched = watchExtensions({ ...kit, random, tasks });
  const controllers = extensionControllers({ ...kit, connect: (shoot) => connect(shoot), watched }, settings);
  const heartbeat =
    settings.heartbeat && createHeartbeat({ client: heartbeats, clock, logger }, settings.heartbeat);

  const ready = (): boolean => !stopping.signal.aborted && watched.hasSynced();
  await startProgramListeners({ logger, metrics, clock, cleanup }, settings, ready);

  tasks.run('report readiness', async (signal) => {
    await watched.whenSynced(signal);
    logger.info('extension started', { event: 'ready', controllers: settings.controllers });
  });

  const ended = led.lead(
    (leading) =>
      work([...controllers, UNTIL_STOP], async (signal) => heartbeat?.run(signal), stopping.signal, leading),
    stopping.signal,
  );
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
