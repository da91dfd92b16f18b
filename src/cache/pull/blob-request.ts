import type { Digest } from '../../oci/digest.ts';
import type { UpstreamResponse } from '../../upstream/types.ts';
import type { RepositoryRequest } from '../access/requester.ts';
import type { Target } from '../access/target.ts';

/** Options that may differ between two requests for one blob. */
export type BlobRequestOptions = Pick<RepositoryRequest, 'method' | 'range' | 'signal'> & {
  kind: 'blob' | 'range';
};

/** Asks the registry for a blob on the requester's behalf. Resolves for any status; throws as `Upstream.request` does. */
export function requestBlob(
  { repository, requester }: Target,
  digest: Digest,
  options: BlobRequestOptions,
): Promise<UpstreamResponse> {
  return requester.request({ ...options, path: `/v2/${repository}/blobs/${digest}` });
}
