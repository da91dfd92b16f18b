import type { UpstreamRequest, UpstreamResponse } from '../../upstream/types.ts';
import type { Decision } from '../metrics.ts';

/** A request in the requester's repository; the requester adds the credential. */
export type RepositoryRequest = Omit<UpstreamRequest, 'credential' | 'repository'>;

/**
 * The party on whose behalf one request is made in one repository of one upstream (docs/laws.md, "Right caller"). An
 * answer checks {@link Requester.hasLiveProof} before it gives stored content, and asks the upstream through
 * {@link Requester.request} for anything else. Each answer of the upstream is a proof, ends one, or decides nothing.
 */
export interface Requester {
  /**
   * Equal for requesters that the upstream cannot distinguish. Keys running requests, lists, 404s and, if {@link isApart},
   * tags.
   */
  readonly key: string;
  /** True if the requester has a credential of its own: then tags and lists it received are for no other requester. */
  readonly isApart: boolean;
  /** True while a proof lives: linked content may be given without asking the upstream. Records the decision. */
  hasLiveProof(): boolean;
  /**
   * True while the upstream's answer to this requester at `at` (milliseconds since the epoch) still counts: the upstream has
   * not refused the requester since, and the credential has not expired.
   */
  isStillValid(at: number): boolean;
  /** True if stored content may be given while the upstream cannot be asked. */
  mayUseDuringOutage(): boolean;
  /** Asks the upstream on the requester's behalf. Throws as `Upstream.request` does. */
  request(request: RepositoryRequest): Promise<UpstreamResponse>;
  /** The last decision, undefined before the first. An answer that falls back on an older proof sets `outage`. */
  decision: Decision | undefined;
}
