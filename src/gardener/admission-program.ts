import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/logger.ts';
import { createProcessMetrics } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import type { ClosableKubeClient } from '../kube/client/kube-client.ts';
import { programClients } from '../kube/client/program-clients.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { createLedWork } from '../kube/leader-election/led-work.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { admissionWebhooks } from './admission-webhooks.ts';
import { declareAdmissionMetrics } from './metrics.ts';
import type { AdmissionWebhookName } from './names.ts';
import { needGarden } from './need-garden.ts';
import { startProgramLife, type ProgramLife } from './program-life.ts';
import { startProgramListeners, type ProgramSettings } from './program-listeners.ts';
import { openWebhooks } from './webhook/open-webhooks.ts';
import type { Webhooks, WebhooksOptions } from './webhook/webhooks.ts';

export interface AdmissionSettings extends WebhooksOptions, ProgramSettings {
  readonly webhooks: readonly AdmissionWebhookName[];
}

export interface AdmissionProgramDeps {
  /** Cluster of the Shoots, in which the webhooks are registered. */
  readonly garden: KubeConnection;
  /** Cluster of this process: leader lease and certificates. */
  readonly runtime: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/**
 * Starts `larder admission`: listeners for health and metrics, and in the background the webhooks and the leader election. Logs the event
 * `ready` when the webhooks are served. Throws `ADDRESS_IN_USE` and leaves nothing open. Its work fails if the webhooks cannot be opened or
 * registered, and with `LEADERSHIP_LOST` when another process may lead. A stop releases the lease.
 */
export async function startAdmission(
  deps: AdmissionProgramDeps,
  settings: AdmissionSettings,
): Promise<ProgramLife> {
  const { clock, logger, random } = deps;
  const registry = createProcessMetrics();
  const metrics = { ...declareKubeMetrics(registry), ...declareAdmissionMetrics(registry) };
  const tasks = new TaskGroup(logger);
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  let webhooks: Webhooks | undefined;

  const connect = programClients({ clock, metrics }, { program: 'admission', version: settings.version });
  // Each purpose has a client of its own, so that nothing waits behind the calls of another.
  const clientOf = (...to: Parameters<typeof connect>): ClosableKubeClient =>
    cleanup.adopt(connect(...to), (client) => client.close());
  const elections = clientOf(deps.runtime);
  const led = createLedWork({ client: elections, clock, logger, metrics, random }, settings);
  const registrations = clientOf(deps.garden, { beforeWrite: led.assertLeading });
  const reads = clientOf(deps.garden);
  const secrets = clientOf(deps.runtime);

  const ready = (): boolean => !stopping.signal.aborted && webhooks?.isServing() === true;
  await startProgramListeners({ logger, metrics, clock, cleanup }, settings, ready);

  cleanup.defer(() => webhooks?.close());
  cleanup.defer(() => tasks.close());

  async function run(stop: AbortSignal): Promise<void> {
    await needGarden(reads, settings.names.configuration, stop);
    const handlers = admissionWebhooks({ client: reads, clock, metrics }, settings.webhooks);
    const opened = await openWebhooks(
      { registrations, secrets, clock, logger, tasks },
      settings,
      handlers,
      stop,
    );
    webhooks = opened;
    logger.info('admission started', {
      event: 'ready',
      port: opened.address.port,
      webhooks: settings.webhooks,
    });
    return led.lead(({ signal }) => opened.lead(AbortSignal.any([stop, signal])), stop);
  }

  return startProgramLife(
    { clock, stopping, cleanup },
    { run, retire: () => webhooks?.retire(), isRouted: () => true },
  );
}
