import { errorText, LarderError } from '../../kit/errors.ts';
import { withShoot } from '../actuator/with-shoot.ts';
import { within } from '../actuator/within.ts';
import type { Actuator, ActuatorContext } from '../extensions/actuator.ts';
import { wantsReplication } from '../extensions/replication-wish.ts';
import { clusterFacts, type ClusterFacts } from '../shoots/cluster-facts.ts';
import { awaitNodes } from './await-nodes.ts';
import { bringReplication } from './bring-replication.ts';
import { deployedReplication, removeReplication } from './remove-replication.ts';
import type { ReplicationDeps, ReplicationSettings } from './replication-parts.ts';
import type { TakeDown } from './take-down.ts';

export interface ReplicatedActuatorDeps extends ReplicationDeps {
  readonly takeDown: TakeDown;
}

/**
 * Adds `registryConfigReplication` to the actuator of caches. Before the status of the Shoot's own caches is published, from which the configuration of
 * nodes is made, the operator in the shoot has turned nodes away from its caches of the same upstreams. Nothing waits for a pod: a shoot has no nodes
 * before its Extensions are there.
 */
export function createReplicatedActuator(
  deps: ReplicatedActuatorDeps,
  settings: ReplicationSettings,
  caches: Actuator,
): Actuator {
  const { client, clock, turns, takeDown } = deps;

  async function reconcile(context: ActuatorContext, method: 'reconcile' | 'restore'): Promise<void> {
    if (!wantsReplication(context.extension.spec?.providerConfig)) {
      await caches[method](context);
      if (await hasReplication(context)) await removeFromAwake(context);
      return;
    }
    const begunAt = clock.monotonic();
    const { isHibernated } = await factsOf(context);
    if (isHibernated) return caches[method](context);
    const { revision, problem } = await bringReplication(deps, settings, context);
    await caches[method]({
      ...context,
      async publish(providerStatus) {
        await awaitNodes(deps, settings, context, { revision, begunAt });
        await context.publish(providerStatus);
      },
    });
    if (problem !== undefined) throw problem;
  }

  const hasReplication = async ({ namespace, signal }: ActuatorContext): Promise<boolean> =>
    (await deployedReplication(client, namespace, signal)).length > 0;

  /** A hibernated shoot is reconciled when it wakes up. */
  async function removeFromAwake(context: ActuatorContext): Promise<void> {
    const { isHibernated } = await factsOf(context);
    if (!isHibernated) await removeAll(context);
  }

  async function removeAll({ namespace, signal, logger }: ActuatorContext): Promise<void> {
    const { shootAddress: address } = settings;
    await within('failed to take RegistryConfigs out of the shoot', () =>
      turns.take(namespace, () =>
        withShoot(
          deps,
          { namespace, address },
          (shoot) => takeDown({ seed: client, shoot, clock, logger }, { namespace }, signal),
          signal,
        ),
      ),
    );
  }

  return {
    reconcile: (context) => reconcile(context, 'reconcile'),
    restore: (context) => reconcile(context, 'restore'),
    async delete(context) {
      if (await hasReplication(context)) {
        await assertAwake(context);
        await removeAll(context);
      }
      await caches.delete(context);
    },
    async forceDelete(context) {
      await removeReplication(deps, context.namespace, 'all without waiting', context.signal);
      await caches.forceDelete(context);
    },
    async migrate(context) {
      await removeReplication(deps, context.namespace, 'from this seed only', context.signal);
      await caches.migrate(context);
    },
  };
}

async function factsOf(context: ActuatorContext): Promise<ClusterFacts> {
  const cluster = await context.cluster();
  return within('failed to get cluster', () => clusterFacts(cluster));
}

/**
 * Throws if the API server of the shoot is away until its owner wakes it up. Then the deletion is repeated until it is there. A hibernated shoot that is
 * being deleted has its API server.
 */
async function assertAwake(context: ActuatorContext): Promise<void> {
  const facts = await factsOf(context).catch((error: unknown) => {
    context.logger.info('it is not known whether the shoot is hibernated', { error: errorText(error) });
    return undefined;
  });
  if (facts === undefined || !facts.isHibernated || facts.isDeleted) return;
  const message = 'the shoot is hibernated: what RegistryConfigs need is taken out of it when it wakes up';
  throw new LarderError('KUBE_UNREACHABLE', message);
}
