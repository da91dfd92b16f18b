import { createAdminListener, type AdminDeps } from '../kit/admin/admin-listener.ts';
import { sleep, type Clock } from '../kit/clock.ts';
import { LarderError } from '../kit/errors.ts';
import { drain, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import { createKubeClient, KUBE_CLIENT_LIMITS, type ClosableKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { createElector } from '../kube/leader-election/elector.ts';
import type { Leadership } from '../kube/leader-election/leadership.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import type { ObjectKey } from '../kube/types.ts';
import { admissionWebhooks } from './admission-webhooks.ts';
import { declareAdmissionMetrics } from './metrics.ts';
import type { AdmissionWebhookName } from './names.ts';
import { needGarden } from './need-garden.ts';
import { openWebhooks } from './webhook/open-webhooks.ts';
import type { Webhooks, WebhooksOptions } from './webhook/webhooks.ts';

/** Limit of calls to an API server, as in the controller of the Go extension (its `app.go`). */
const RATE = { perSecond: 100, burst: 130 };

/** Time after a stop for which requests are still answered. Afterwards no API server sends one here. */
const STILL_ROUTED_MS = 3000;

export interface AdmissionSettings extends WebhooksOptions {
  readonly webhooks: readonly AdmissionWebhookName[];
  /** Undefined: this process acts without a lease. */
  readonly lease: ObjectKey | undefined;
  /** Unique to this process. */
  readonly identity: string;
  /** Undefined: no such listener. */
  readonly metricsAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly version: string;
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

export interface RunningAdmission {
  /**
   * Resolves after {@link RunningAdmission.stop}. Rejects if the webhooks cannot be opened or registered, and with `LEADERSHIP_LOST` when
   * another process may lead: the program must end then.
   */
  readonly ended: Promise<void>;
  /** Releases the lease, answers for 3 s more, and closes everything; at once if the work has failed. */
  stop(): Promise<void>;
}

/**
 * Starts `larder admission`: listeners for health and metrics, and in the background the webhooks and the leader election. Logs the event
 * `ready` when the webhooks are served. Throws `ADDRESS_IN_USE` and leaves nothing open.
 */
export async function startAdmission(
  deps: AdmissionProgramDeps,
  settings: AdmissionSettings,
): Promise<RunningAdmission> {
  const { clock, logger, random } = deps;
  const { lease, identity, version } = settings;
  const registry = createMetricsRegistry();
  const metrics = { ...declareKubeMetrics(registry), ...declareAdmissionMetrics(registry) };
  const tasks = new TaskGroup(logger);
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  let webhooks: Webhooks | undefined;
  let leadership: Leadership | undefined;

  const clientOf = (connection: KubeConnection, beforeWrite?: () => void): ClosableKubeClient =>
    cleanup.adopt(
      createKubeClient(
        { connection, clock, metrics, ...(beforeWrite !== undefined && { beforeWrite }) },
        { userAgent: `larder/${version} (admission)`, limits: { ...KUBE_CLIENT_LIMITS, rate: RATE } },
      ),
      (client) => client.close(),
    );
  const onlyAsLeader = (): void => {
    if (lease === undefined) return;
    if (leadership === undefined) throw new LarderError('LEADERSHIP_LOST', 'this process does not lead yet');
    leadership.assertLive();
  };
  // Each purpose has a client of its own, so that nothing waits behind the calls of another.
  const registrations = clientOf(deps.garden, onlyAsLeader);
  const reads = clientOf(deps.garden);
  const secrets = clientOf(deps.runtime);
  const elections = clientOf(deps.runtime);

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
  const ready = (): boolean => !stopping.signal.aborted && webhooks?.isServing() === true;
  await serve(settings.healthAddress, '--health-bind-address', { ready, metricsPath: false });
  await serve(settings.metricsAddress, '--metrics-bind-address', {});

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
    if (lease === undefined) return opened.lead(stop);
    const elector = createElector({ client: elections, clock, logger, metrics, random }, { lease, identity });
    return elector.lead((now) => {
      leadership = now;
      return opened.lead(AbortSignal.any([stop, now.signal]));
    }, stop);
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
      await ended.catch(() => {});
      if (!hasFailed) await sleep(clock, STILL_ROUTED_MS);
      await owned.disposeAsync();
    },
  };
}
