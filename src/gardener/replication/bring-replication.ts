import { withShoot } from '../actuator/with-shoot.ts';
import { within } from '../actuator/within.ts';
import type { ActuatorContext } from '../extensions/actuator.ts';
import { deployReplication } from './deploy-replication.ts';
import { deployedReplication } from './remove-replication.ts';
import type { ReplicationDeps, ReplicationSettings } from './replication-parts.ts';
import { assertNoSecondOperator } from './second-operator.ts';

export interface Brought {
  /** Revision of the upstreams that are taken. Undefined if there is nothing to wait for. */
  readonly revision: number | undefined;
  /** Reason for which something is missing in the shoot, to be thrown once all else is done. */
  readonly problem?: unknown;
}

/**
 * Brings operator and node agents to a shoot, or up to date. A shoot that has an operator of its own gets none; if it got one before, that is still kept up
 * to date, and the problem reported. Never rejects.
 */
export async function bringReplication(
  deps: ReplicationDeps,
  { image, shootAddress: address }: ReplicationSettings,
  context: ActuatorContext,
): Promise<Brought> {
  const { namespace, signal, logger } = context;
  try {
    return await deps.turns.take(namespace, async () => {
      const isFirst = (await deployedReplication(deps.client, namespace, signal)).length === 0;
      const problem = await secondOperator();
      if (isFirst && problem !== undefined) return { revision: undefined, problem };
      const options = { namespace, cluster: await context.cluster(), image: image() };
      return { revision: await deployReplication({ ...deps, logger }, options, signal), problem };
    });
  } catch (problem) {
    return { revision: undefined, problem };
  }

  async function secondOperator(): Promise<unknown> {
    try {
      await within('failed to deploy RegistryConfigs to the shoot', () =>
        withShoot(deps, { namespace, address }, (shoot) => assertNoSecondOperator(shoot, signal), signal),
      );
      return undefined;
    } catch (error) {
      return error;
    }
  }
}
