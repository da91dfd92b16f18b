import type { KubeClient } from '../../kube/types.ts';
import { additionalLabelsPatch } from '../cluster/additional-labels.ts';
import { hasOurLabel } from '../cluster/marks.ts';
import { VOLUME_CLAIMS, type VolumeClaim } from '../cluster/resources.ts';

export interface ClaimLabels {
  readonly objectLabels: Readonly<Record<string, string>>;
  /** Labels of all objects of the cache. They go before the others. */
  readonly own: Readonly<Record<string, string>>;
}

/**
 * Puts additional labels on a claim that is ours, and takes off those that are no longer configured. The template of an existing StatefulSet
 * cannot be changed, so a claim of an earlier setting would stay as it is. Throws like {@link KubeClient.patch}.
 */
export async function labelClaim(
  client: Pick<KubeClient, 'patch'>,
  claim: VolumeClaim,
  { objectLabels, own }: ClaimLabels,
  signal: AbortSignal,
): Promise<void> {
  if (!hasOurLabel(claim.metadata.labels ?? {})) return;
  const operations = additionalLabelsPatch(claim, objectLabels, own);
  if (operations.length > 0) await client.patch(VOLUME_CLAIMS, claim.metadata, operations, { signal });
}
