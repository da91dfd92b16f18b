import type { UpstreamRequestKind, UpstreamResponse } from '../../upstream/types.ts';

/** What an answer of the upstream says of the access of whoever asked. */
export type Verdict = 'served' | 'refused' | 'open';

/**
 * A 2xx to a request for content proves access to its repository; lists do not, since registries give some of them to strangers. 401
 * and 403 end every proof. Anything else, a 404 too, says nothing.
 */
export function verdictOf({ status }: UpstreamResponse, kind: UpstreamRequestKind): Verdict {
  if (status === 401 || status === 403) return 'refused';
  const isContent = kind === 'manifest' || kind === 'blob' || kind === 'range';
  return isContent && (status === 200 || status === 206) ? 'served' : 'open';
}
