import { errorText } from '../../kit/errors.ts';
import { bytesOf } from '../../kit/quantity.ts';
import { isForbidden, isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../kube/types.ts';
import { VOLUME_CLAIMS, type VolumeClaim } from '../cluster/resources.ts';

/**
 * Asks for a larger volume, where `size` is more than the claim does. Gives what stands in the way, as a sentence; undefined when
 * nothing does. A claim never shrinks: the API server refuses that in the spec already.
 */
export async function growClaim(
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
    // A StorageClass that does not allow it, a quota, a claim that has no volume yet: the server says which.
    return `the volume cannot grow from ${requested} to ${size}: ${errorText(error)}`;
  }
}

/** What the volume holds now: what was asked for while that is unknown, and never more than that. */
export function volumeBytes(claim: VolumeClaim | undefined, size: string): number {
  const capacity = claim?.status?.capacity?.storage;
  return capacity === undefined ? bytesOf(size) : Math.min(bytesOf(capacity), bytesOf(size));
}
