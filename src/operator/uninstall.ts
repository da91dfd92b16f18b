import { sleep, type Clock } from '../kit/clock.ts';
import { errorText, LarderError } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { createMetricsRegistry } from '../kit/metrics.ts';
import { declareKubeMetrics } from '../kube/metrics.ts';
import { createKubeClient } from '../kube/client/kube-client.ts';
import type { KubeConnection } from '../kube/connection/connection.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { createElector } from '../kube/leader-election/elector.ts';
import { LEASES } from '../kube/leader-election/lease.ts';
import { createFinalizer } from '../kube/objects/finalizers.ts';
import type { KubeClient, KubeObject, ListQuery, Resource } from '../kube/types.ts';
import { EMPTY_DOCUMENT } from '../fleet/node-document.ts';
import { NODE_STATUS } from '../fleet/node-lease.ts';
import { CONFIG_MAPS } from '../kube/objects/config-maps.ts';
import { readReport } from './cluster/node-report.ts';
import { nodesObject, assertNodesObjectIsOurs } from './nodes/nodes-object.ts';
import { FINALIZER } from './controllers.ts';
import { LEASE_NAME } from './program.ts';
import { OURS } from './cluster/marks.ts';
import { RENDERED_RESOURCES } from './render/rendered-resources.ts';
import {
  DEPLOYMENTS,
  MIRROR_CONFIGS,
  REGISTRY_CONFIGS,
  type MirrorConfigObject,
  type RegistryConfigObject,
} from './cluster/resources.ts';
import { NotOwnedError } from './ownership/not-owned-error.ts';

/** A node that is silent for longer keeps files that lead to a closed port. That is harmless: it pulls from the origin. */
const NODES_MS = 60_000;
/** An operator that ends releases the lease within 30 s, and one that is gone loses it after 15 s. */
const LEAD_MS = 90_000;
const ASK_AGAIN_MS = 500;

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
  for (const resource of RENDERED_RESOURCES) {
    for (const { kind, metadata } of await listed(
      client,
      resource,
      { namespace, labelSelector: OURS },
      signal,
    )) {
      const { uid } = metadata;
      // With the uid: an object that replaced it meanwhile is not ours.
      await client.delete(resource, metadata, {
        signal,
        propagationPolicy: 'Background',
        ...(uid !== undefined && { uid }),
      });
      logger.info('removed', { kind, name: metadata.name });
    }
  }
  const finalizer = createFinalizer(client, FINALIZER);
  for (const resource of [REGISTRY_CONFIGS, MIRROR_CONFIGS]) {
    for (const object of await listed<RegistryConfigObject | MirrorConfigObject>(
      client,
      resource,
      {},
      signal,
    )) {
      await clearStatus(client, resource, object, signal);
      await finalizer.remove(resource, object, signal);
    }
  }
}

/** Publishes an empty node document, and waits until the nodes have carried it out. */
async function emptyNodes(
  client: KubeClient,
  clock: Clock,
  logger: Logger,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await assertNodesObjectIsOurs(client, namespace, signal);
  } catch (error) {
    if (!(error instanceof NotOwnedError)) throw error;
    logger.warn('cannot write the node document, nodes are left as they are', { error: errorText(error) });
    return;
  }
  const intent = nodesObject(EMPTY_DOCUMENT, namespace);
  await client.apply(CONFIG_MAPS, intent, { fieldManager: 'larder/operator', force: true, signal });
  const deadline = clock.monotonic() + NODES_MS;
  for (;;) {
    const leases = await listed(client, LEASES, { namespace, labelSelector: `${NODE_STATUS}=true` }, signal);
    const busy = leases.map(readReport).filter(({ status }) => (status?.upstreams.length ?? 0) > 0);
    if (busy.length === 0) return;
    if (clock.monotonic() >= deadline) {
      logger.warn('nodes have not answered, and are left as they are', {
        nodes: busy.map(({ node }) => node),
      });
      return;
    }
    await sleep(clock, ASK_AGAIN_MS, signal);
  }
}

/** Empties the status, which describes caches that are gone. */
async function clearStatus(
  client: KubeClient,
  resource: Resource<RegistryConfigObject | MirrorConfigObject>,
  { metadata }: RegistryConfigObject | MirrorConfigObject,
  signal: AbortSignal,
): Promise<void> {
  // RFC 6902, 4.1: `add` replaces an existing value. An apply that gives up every field would leave null, which no schema accepts.
  const empty = [{ op: 'add', path: '/status', value: {} }] as const;
  await client.patch(resource, metadata, empty, { signal, subresource: 'status' });
}

/** Lists objects; none if the cluster does not have the kind. */
async function listed<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  query: ListQuery,
  signal: AbortSignal,
): Promise<readonly T[]> {
  try {
    return (await client.list(resource, query, { signal })).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
