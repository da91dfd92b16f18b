import { sleep, type Clock } from '../../kit/clock.ts';
import { LEASES } from '../../kube/leader-election/lease.ts';
import { CONFIG_MAPS } from '../../kube/objects/config-maps.ts';
import { find } from '../../kube/objects/find.ts';
import { metadataOf } from '../../kube/objects/metadata-of.ts';
import type { KubeClient } from '../../kube/types.ts';
import { EMPTY_DOCUMENT } from '../../fleet/node-document.ts';
import { NODE_STATUS, readNodeStatus } from '../../fleet/node-lease.ts';
import { NODES_CONFIG_MAP } from '../../fleet/nodes-config-map.ts';
import { hasOurLabel } from '../cluster/marks.ts';
import { assertNodesObjectIsOurs, nodesObject } from '../nodes/nodes-object.ts';
import { eachListed } from './each-listed.ts';

/** A node that is silent for longer keeps files that lead to a closed port. That is harmless: it pulls from the origin. */
const NODES_MS = 60_000;
const ASK_AGAIN_MS = 500;
/** Most nodes that are waited for: the names are in memory. Kubernetes has at most 5 000. */
const MOST_NODES = 10_000;

export interface TurnAwayDeps {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'apply'>;
  readonly clock: Clock;
}

export interface TurnAwayOptions {
  readonly namespace: string;
  /** Keeps those Leases, of the given names, whose node can still answer. Absent: all of them. */
  readonly answering?: (leases: ReadonlySet<string>) => Promise<ReadonlySet<string>>;
}

/**
 * Publishes an empty node document and waits until the nodes have carried it out, for at most 60 s. Returns the names of the Leases of nodes that have not.
 * Throws {@link NotOwnedError} if the document has another owner, and like the calls of the client.
 */
export async function turnNodesAway(
  { client, clock }: TurnAwayDeps,
  { namespace, answering = (leases) => Promise.resolve(leases) }: TurnAwayOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const key = { namespace, name: NODES_CONFIG_MAP };
  const found = await find(client, metadataOf(CONFIG_MAPS), key, signal);
  // Without the object nodes do nothing already.
  if (found !== undefined) {
    if (!hasOurLabel(found.metadata.labels ?? {})) await assertNodesObjectIsOurs(client, namespace, signal);
    const intent = nodesObject(EMPTY_DOCUMENT, namespace);
    await client.apply(CONFIG_MAPS, intent, { fieldManager: 'larder/operator', force: true, signal });
  }
  const deadline = clock.monotonic() + NODES_MS;
  for (;;) {
    const busy = await busyLeases(client, namespace, signal);
    const awaited = busy.size === 0 ? busy : await answering(busy);
    if (awaited.size === 0 || clock.monotonic() >= deadline) return [...awaited];
    await sleep(clock, ASK_AGAIN_MS, signal);
  }
}

/** Names of the Leases in which a node says that it uses an upstream. */
async function busyLeases(
  client: Pick<KubeClient, 'list'>,
  namespace: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const busy = new Set<string>();
  const query = { namespace, labelSelector: `${NODE_STATUS}=true` };
  const look = (lease: Parameters<typeof readNodeStatus>[0]): Promise<void> => {
    const isBusy = (readNodeStatus(lease)?.upstreams.length ?? 0) > 0;
    if (isBusy && busy.size < MOST_NODES) busy.add(lease.metadata.name);
    return Promise.resolve();
  };
  await eachListed(client, LEASES, query, look, signal);
  return busy;
}
