import { createAdminListener } from '../kit/admin/admin-listener.ts';
import type { Clock } from '../kit/clock.ts';
import { drain, formatAddress, listen, type Address } from '../kit/listen.ts';
import type { Logger } from '../kit/logger.ts';
import { createProcessMetrics } from '../kit/metrics.ts';
import { TaskGroup } from '../kit/task-group.ts';
import type { ClosableKubeClient } from '../kube/client/kube-client.ts';
import { programClients, type ProgramClientOptions } from '../kube/client/program-clients.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { createLedWork } from '../kube/leader-election/led-work.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { LEASE_NAME } from './cluster/marks.ts';
import { watchCluster } from './cluster/watched.ts';
import { createControllers, type ControllersSettings } from './controllers.ts';
import { work } from './work.ts';

export interface OperatorSettings extends ControllersSettings {
  readonly adminAddress: Address;
  readonly version: string;
}

export interface OperatorDeps {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export interface RunningOperator {
  readonly adminUrl: string;
  /**
   * Resolves when the work has ended after {@link RunningOperator.stop}. Rejects with `LEADERSHIP_LOST` when another process may lead: the
   * program must end then.
   */
  readonly ended: Promise<void>;
  /** Lets running reconciles end, releases the lease and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts `larder operator`: client, watches, controllers, admin listener, leader election. Resolves when the admin listener listens. Throws
 * `ADDRESS_IN_USE` and leaves nothing open.
 */
export async function startOperator(
  deps: OperatorDeps,
  settings: OperatorSettings,
): Promise<RunningOperator> {
  const { clock, logger, random } = deps;
  const metrics = declareKubeMetrics(createProcessMetrics());
  const tasks = new TaskGroup(logger);
  await using cleanup = new AsyncDisposableStack();
  const connect = programClients({ clock, metrics }, { program: 'operator', version: settings.version });
  const clientOf = (options?: ProgramClientOptions): ClosableKubeClient =>
    cleanup.adopt(connect(deps.connection, options), (one) => one.close());
  // A client of its own, so that renewals do not wait for other calls.
  const electionClient = clientOf();
  const led = createLedWork(
    { client: electionClient, clock, logger, metrics, random },
    { lease: { namespace: settings.namespace, name: LEASE_NAME }, identity: settings.identity },
  );
  const client = clientOf({ beforeWrite: led.assertLeading });
  cleanup.defer(() => tasks.close());

  const watched = watchCluster({ client, clock, logger, metrics, random, tasks }, settings);
  const { controllers, background } = createControllers(
    { ...deps, client, metrics, tasks, watched },
    settings,
  );
  const admin = createAdminListener({ metrics, logger, ready: () => watched.hasSynced() });
  const address = await listen(admin, settings.adminAddress, '--admin-address');
  cleanup.defer(() => drain(admin, () => 0, clock, 0));

  const stopping = new AbortController();
  const ended = led.lead(
    (leading) => work(controllers, background, stopping.signal, leading),
    stopping.signal,
  );
  // The caller handles a rejection of `ended` later. Until then it must not count as unhandled.
  ended.catch(() => {});

  const owned = cleanup.move();
  return {
    adminUrl: `http://${formatAddress(address)}`,
    ended,
    async stop() {
      stopping.abort();
      await ended.catch(() => {});
      await owned.disposeAsync();
    },
  };
}
