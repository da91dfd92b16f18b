import type { Clock } from '../../kit/clock.ts';
import { errorText, LarderError } from '../../kit/errors.ts';
import { createLifeline } from '../../kit/lifeline.ts';
import { LEASES } from '../../kube/leader-election/lease.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { LEASE_NAME } from '../../operator/cluster/marks.ts';
import { LARDER_NAMESPACE } from '../caches/shoot-names.ts';
import { withShoot, type ShootDeps } from '../actuator/with-shoot.ts';
import { createClusterReader } from '../extensions/read-cluster.ts';
import { clusterFacts } from '../shoots/cluster-facts.ts';
import type { ReplicationSettings } from './replication-parts.ts';
import { readReport } from './read-report.ts';
import type { ReportFinding } from './report-condition.ts';

/** Limit of one call, and of opening the connection. */
const CALL_MS = 10_000;
/** Age of a Lease that nobody renews. The leader renews it every few seconds, and clocks differ. */
const SILENT_MS = 300_000;

export interface LookOptions extends Pick<ReplicationSettings, 'shootAddress'> {
  /** Namespace of the shoot in the seed. */
  readonly namespace: string;
  /** True if the shoot was hibernated when it was last looked at. Its API server is then not asked before it is awake. */
  readonly wasHibernated: boolean;
}

/** Finds out how the `RegistryConfig` objects of a shoot fare. Throws only if the seed does not answer, or the reason of the signal. */
export async function lookAtShoot(
  deps: ShootDeps,
  { namespace, shootAddress: address, wasHibernated }: LookOptions,
  stop: AbortSignal,
): Promise<ReportFinding> {
  const { client, clock, logger } = deps;

  async function isHibernated(): Promise<boolean> {
    const cluster = await limited(clock, stop, (signal) =>
      createClusterReader(client, namespace, signal).get(),
    );
    return clusterFacts(cluster).isHibernated;
  }

  if (wasHibernated && (await isHibernated())) return { kind: 'hibernated' };
  try {
    return await limited(clock, stop, (signal) =>
      withShoot(deps, { namespace, address }, (shoot) => ask(shoot, clock, signal), signal),
    );
  } catch (error) {
    stop.throwIfAborted();
    if (await isHibernated()) return { kind: 'hibernated' };
    logger.info('the shoot cannot be asked', { namespace, error: errorText(error) });
    return { kind: 'unreachable' };
  }
}

async function ask(shoot: Pick<KubeClient, 'get'>, clock: Clock, stop: AbortSignal): Promise<ReportFinding> {
  const read = await limited(clock, stop, (signal) => readReport(shoot, signal));
  if (read.kind !== 'read') return read;
  const key = { namespace: LARDER_NAMESPACE, name: LEASE_NAME };
  const lease = await limited(clock, stop, (signal) => find(shoot, LEASES, key, signal));
  const renewTime: unknown = lease?.spec?.renewTime;
  const renewedAt = typeof renewTime === 'string' ? Date.parse(renewTime) : NaN;
  if (!(clock.now() - renewedAt < SILENT_MS)) return { kind: 'silent' };
  return { kind: 'report', report: read.report };
}

async function limited<T>(
  clock: Clock,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using life = createLifeline(clock, stop);
  life.limit(CALL_MS, () => new LarderError('KUBE_UNREACHABLE', `no answer in ${CALL_MS} ms`));
  return await work(life.signal);
}
