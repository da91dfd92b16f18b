import type { Clock } from '../kit/clock.ts';
import { errorText, LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { createKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { createElector } from '../kube/leader-election/elector.ts';
import { LEASES } from '../kube/leader-election/lease.ts';
import type { KubeClient, KubeObject } from '../kube/types.ts';
import { FINALIZER, LEASE_NAME } from './cluster/marks.ts';
import { DEPLOYMENTS } from './cluster/resources.ts';
import { NotOwnedError } from './ownership/not-owned-error.ts';
import { deleteLabelled } from './removal/delete-labelled.ts';
import { releaseObjects } from './removal/release-objects.ts';
import { turnNodesAway } from './removal/turn-nodes-away.ts';
import { RENDERED_RESOURCES } from './render/rendered-resources.ts';

/** An operator that ends releases the lease within 30 s, and one that is gone loses it after 15 s. */
const LEAD_MS = 90_000;

export interface UninstallSettings {
  readonly namespace: string;
  /** The Deployment of the operator, which ends first. */
  readonly deployment: string;
  readonly identity: string;
  readonly version: string;
}

export interface UninstallDeps {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/**
 * Removes everything that the operator created, from the nodes first, and takes the finalizers off the objects of users, which stay. Before
 * that it stops the operator and takes its lease, so that nothing comes back. Rejects if it cannot get the lease, or if the API server
 * refuses a call.
 */
export async function uninstall(
  deps: UninstallDeps,
  settings: UninstallSettings,
  signal: AbortSignal,
): Promise<void> {
  const { connection, clock, logger } = deps;
  const { namespace } = settings;
  const metrics = declareKubeMetrics(createMetricsRegistry());
  const options = { userAgent: `larder/${settings.version} (uninstall)` };
  const client = createKubeClient({ connection, clock, metrics }, options);
  try {
    await stopOperator(client, settings, signal);
    const lease = { namespace, name: LEASE_NAME };
    const elector = createElector({ ...deps, client, metrics }, { lease, identity: settings.identity });
    const timeout = new AbortController();
    const cancel = clock.after(LEAD_MS, () => timeout.abort());
    let hasLed = false;
    await elector.lead(
      async (leadership) => {
        cancel();
        hasLed = true;
        const beforeWrite = (): void => leadership.assertLive();
        const leaderClient = createKubeClient({ connection, clock, metrics, beforeWrite }, options);
        try {
          await removeAll(leaderClient, clock, logger, namespace, leadership.signal);
        } finally {
          await leaderClient.close();
        }
      },
      AbortSignal.any([signal, timeout.signal]),
    );
    signal.throwIfAborted();
    if (!hasLed)
      throw new LarderError(
        'LEADERSHIP_LOST',
        `another operator holds the lease ${LEASE_NAME} and does not release it`,
        {
          hint: 'stop it, and try again',
        },
      );
    await client.delete(LEASES, lease, { signal });
  } finally {
    await client.close();
  }
}

async function stopOperator(
  client: KubeClient,
  { namespace, deployment }: UninstallSettings,
  signal: AbortSignal,
): Promise<void> {
  try {
    const replicas = [{ op: 'replace', path: '/spec/replicas', value: 0 }] as const;
    await client.patch(DEPLOYMENTS, { namespace, name: deployment }, replicas, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function removeAll(
  client: KubeClient,
  clock: Clock,
  logger: Logger,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  await emptyNodes(client, clock, logger, namespace, signal);
  const logRemoved = ({ kind, metadata: { name } }: KubeObject): void =>
    logger.info('removed', { kind, name });
  await deleteLabelled(client, { namespace, resources: RENDERED_RESOURCES }, logRemoved, signal);
  const { refused, firstRefusal } = await releaseObjects(client, signal);
  if (refused === 0) return;
  const message = `${refused} objects keep their status or the finalizer ${FINALIZER}: ${errorText(firstRefusal)}`;
  throw new LarderError('KUBE_API', message, { hint: 'let them be changed, and try again' });
}

async function emptyNodes(
  client: KubeClient,
  clock: Clock,
  logger: Logger,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const leases = await turnNodesAway({ client, clock }, { namespace }, signal);
    if (leases.length > 0)
      logger.warn('nodes have not answered, and are left as they are', { leases: leases.slice(0, 50) });
  } catch (error) {
    if (!(error instanceof NotOwnedError)) throw error;
    logger.warn('cannot write the node document, nodes are left as they are', { error: errorText(error) });
  }
}
