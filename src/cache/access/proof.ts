import type { UpstreamRequestKind, UpstreamResponse } from '../../upstream/types.ts';

/** The verdict of an upstream's answer on the requester's access. */
export type Verdict = 'served' | 'refused' | 'open';

/**
 * Reads the verdict from an answer. A 2xx to a request for content proves access to its repository. A 2xx to a list does
 * not: registries give some lists to anonymous callers. 401 and 403 end every proof. Any other status, 404 included,
 * decides nothing.
 */
export function verdictOf({ status }: UpstreamResponse, kind: UpstreamRequestKind): Verdict {
  if (status === 401 || status === 403) return 'refused';
  const isContent = kind === 'manifest' || kind === 'blob' || kind === 'range';
  return isContent && (status === 200 || status === 206) ? 'served' : 'open';
}
