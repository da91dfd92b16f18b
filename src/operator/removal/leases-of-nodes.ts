import type { KubeClient } from '../../kube/types.ts';
import { nodeLeaseName } from '../../fleet/node-lease.ts';
import { NODES } from '../cluster/resources.ts';
import { eachListed } from './each-listed.ts';

/** Finds those of the Leases with these names whose Node exists. */
export async function leasesOfNodes(
  client: Pick<KubeClient, 'list'>,
  leases: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const look = ({ metadata }: { readonly metadata: { readonly name: string } }): Promise<void> => {
    const lease = nodeLeaseName(metadata.name);
    if (leases.has(lease)) found.add(lease);
    return Promise.resolve();
  };
  await eachListed(client, NODES, {}, look, signal);
  return found;
}
