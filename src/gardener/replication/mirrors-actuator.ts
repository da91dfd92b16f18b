import { errorText } from '../../kit/errors.ts';
import type { Actuator, ActuatorContext } from '../extensions/actuator.ts';
import { clusterFacts } from '../shoots/cluster-facts.ts';
import { awaitNodes } from './await-nodes.ts';
import { deployReplication } from './deploy-replication.ts';
import { deployedReplication } from './remove-replication.ts';
import type { ReplicationDeps, ReplicationSettings } from './replication-parts.ts';

/**
 * Creates the actuator of type `registry-mirror`. All effects of a mirror are in the configuration of nodes. In a shoot with an operator of Larder it
 * takes the upstreams away from that operator, and gives them back after a deletion. Everything else of replication is the work of the caches' actuator.
 */
export function createMirrorsActuator(deps: ReplicationDeps, settings: ReplicationSettings): Actuator {
  const { clock, client, turns } = deps;

  async function refresh(context: ActuatorContext): Promise<number | undefined> {
    const { namespace, signal, logger } = context;
    return turns.take(namespace, async () => {
      if ((await deployedReplication(client, namespace, signal)).length === 0) return undefined;
      const cluster = await context.cluster();
      const { isHibernated, isDeleted } = clusterFacts(cluster);
      if (isHibernated || isDeleted) return undefined;
      return deployReplication({ ...deps, logger }, { namespace, cluster, image: settings.image() }, signal);
    });
  }

  async function reconcile(context: ActuatorContext): Promise<void> {
    const begunAt = clock.monotonic();
    await awaitNodes(deps, settings, context, { revision: await refresh(context), begunAt });
  }

  return {
    reconcile,
    restore: reconcile,
    async delete(context) {
      // The next reconcile of the caches does the same.
      await refresh(context).catch((error: unknown) => {
        context.signal.throwIfAborted();
        context.logger.warn('the upstreams stay taken', { error: errorText(error) });
      });
    },
    async forceDelete() {},
    async migrate() {},
  };
}
