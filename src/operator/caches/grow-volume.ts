import { errorText } from '../../kit/errors.ts';
import { bytesOf } from '../../kit/quantity.ts';
import { isForbidden, isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { VOLUME_CLAIMS, type VolumeClaim } from '../cluster/resources.ts';

/**
 * Requests a larger volume if `size` is more than the claim requests. Returns the reason if the API server refuses, as a sentence. A claim
 * never shrinks: the API server already refuses a smaller size in the owner's spec.
 */
export async function growVolume(
  client: Pick<KubeClient, 'patch'>,
  claim: VolumeClaim,
  size: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const requested = claim.spec?.resources?.requests?.storage;
  if (requested === undefined || bytesOf(requested) >= bytesOf(size)) return undefined;
  const path = '/spec/resources/requests/storage';
  try {
    await client.patch(
      VOLUME_CLAIMS,
      claim.metadata,
      [
        { op: 'test', path: '/metadata/uid', value: claim.metadata.uid },
        { op: 'replace', path, value: size },
      ],
      { signal },
    );
    return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (!isForbidden(error) && !isInvalid(error)) throw error;
    // The error names the reason: a StorageClass that does not allow it, a quota, or a claim without a volume.
    return `the volume cannot grow from ${requested} to ${size}: ${errorText(error)}`;
  }
}

/** Current size of the volume in bytes, at most `size`; `size` itself while the capacity is unknown. */
export function volumeBytes(claim: VolumeClaim | undefined, size: string): number {
  const capacity = claim?.status?.capacity?.storage;
  return capacity === undefined ? bytesOf(size) : Math.min(bytesOf(capacity), bytesOf(size));
}
