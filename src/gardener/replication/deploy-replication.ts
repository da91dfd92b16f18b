import type { Logger } from '../../kit/logger.ts';
import { find } from '../../kube/objects/find.ts';
import type { KubeClient } from '../../kube/types.ts';
import { deployComponent, type DeployDeps } from '../actuator/deploy-component.ts';
import { within } from '../actuator/within.ts';
import type { Component } from '../managed-resources/component.ts';
import { MANAGED_RESOURCES } from '../managed-resources/managed-resource.ts';
import { clusterFacts } from '../shoots/cluster-facts.ts';
import type { Cluster } from '../shoots/cluster.ts';
import { isGoTrue } from '../shoots/go-fields.ts';
import { systemTolerations } from '../shoots/system-nodes.ts';
import { replicationComponents } from './replication-components.ts';
import { replicationWanted } from './replication-wanted.ts';

export interface DeployReplicationDeps extends DeployDeps {
  readonly logger: Logger;
}

export interface DeployReplicationOptions {
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly image: string;
}

/**
 * Brings operator and node agents, and the list of taken upstreams, to the seed, and gives the revision of that list. Undefined if nothing will come of
 * it: nobody wants replication any more, or an operator of the seed has set the ManagedResource to be ignored, which is left alone then.
 */
export async function deployReplication(
  deps: DeployReplicationDeps,
  { namespace, cluster, image }: DeployReplicationOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client, logger } = deps;
  const taken = await replicationWanted(client, namespace, signal);
  if (taken === undefined) return undefined;
  const { kubernetesVersion, rotationStart } = clusterFacts(cluster);
  const tolerations = systemTolerations(cluster);
  const { shoot, operator } = replicationComponents({
    namespace,
    image,
    taken,
    tolerations,
    kubernetesVersion,
    rotationStart,
  });

  /** False if it is to be left alone. */
  async function deploy(component: Component): Promise<boolean> {
    const { metadata } = component.managedResource;
    if (await isIgnored(client, component, signal)) {
      logger.info('a ManagedResource is ignored, and left alone', { name: metadata.name });
      return false;
    }
    await within(`failed to deploy ${metadata.name}`, () => deployComponent(deps, component, signal));
    return true;
  }

  await deploy(shoot);
  return (await deploy(operator)) ? taken.revision : undefined;
}

/** Annotation by which a person keeps gardener-resource-manager from applying an object (gardener v1.147.1, `resources/v1alpha1`). */
const IGNORE = 'resources.gardener.cloud/ignore';

async function isIgnored(
  client: Pick<KubeClient, 'get'>,
  { managedResource }: Component,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await find(client, MANAGED_RESOURCES, managedResource.metadata, signal);
  return isGoTrue(found?.metadata.annotations?.[IGNORE]);
}
