import type { Clock } from '../../kit/clock.ts';
import type { KubeClient } from '../../kube/types.ts';
import { SECRETS } from '../../operator/cluster/resources.ts';

/** Annotation of a bundle: the time of the first reconcile that found it in the status of the Extension. */
const IN_STATUS_SINCE = 'registry.extensions.gardener.cloud/in-status-since';

/**
 * True if a bundle has been in the status for `forMs`. Called by each reconcile that finds it there; the first call notes the time on the Secret.
 * The reconciles of a Shoot bring what the status names to its nodes.
 */
export async function hasBeenInStatus(
  { client, clock }: { readonly client: Pick<KubeClient, 'get' | 'mergePatch'>; readonly clock: Clock },
  { namespace, name, forMs }: { readonly namespace: string; readonly name: string; readonly forMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const now = clock.now();
  const { metadata } = await client.get(SECRETS, { namespace, name }, { signal });
  const since = Date.parse(metadata.annotations?.[IN_STATUS_SINCE] ?? '');
  if (!Number.isNaN(since)) return now - since >= forMs;
  const annotations = { [IN_STATUS_SINCE]: new Date(now).toISOString() };
  await client.mergePatch(SECRETS, { namespace, name }, { metadata: { annotations } }, { signal });
  return false;
}
