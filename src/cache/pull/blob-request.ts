import type { Digest } from '../../oci/digest.ts';
import type { Origin } from '../../store/types.ts';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '../../upstream/types.ts';

/** What may differ between two requests for one blob. */
export type BlobRequestOptions = Pick<UpstreamRequest, 'method' | 'range' | 'signal'> & {
  kind: 'blob' | 'range';
};

/** Asks the registry for a blob with Larder's own credential; any status, see {@link Upstream.request} for what throws. */
export function requestBlob(
  client: Upstream,
  { repository }: Origin,
  digest: Digest,
  options: BlobRequestOptions,
): Promise<UpstreamResponse> {
  return client.request({
    ...options,
    repository,
    path: `/v2/${repository}/blobs/${digest}`,
    credential: { kind: 'own' },
  });
}
