import type { UpstreamRequest, UpstreamResponse } from '../../upstream/types.ts';

/** A request in the repository that a requester came for; the requester adds who asks. */
export type RepositoryRequest = Omit<UpstreamRequest, 'credential' | 'repository'>;

/**
 * How it was decided whether a requester may have what was asked for: the label of `larder_access_decisions_total`.
 * `shared`: the configured credential serves everyone. `public`, `granted`: by a proof that lives. `proven`: the upstream was
 * asked and let them in. `refused`: it did not. `challenged`: refused from memory, as strangers a moment ago. `outage`: the
 * upstream could not be asked, an older proof counts.
 */
export const DECISIONS = [
  'shared',
  'public',
  'granted',
  'proven',
  'refused',
  'challenged',
  'outage',
] as const;
export type Decision = (typeof DECISIONS)[number];

/**
 * On whose behalf one request is made in one repository of one upstream (law 4). Answers ask {@link Requester.proven} before they
 * give what is here, and the upstream through {@link Requester.request} for all the rest; each answer of the upstream is a proof, or
 * the end of one.
 */
export interface Requester {
  /** Equal for requesters that the upstream cannot tell apart: key of running requests, lists, 404s and, unless they share, tags. */
  readonly key: string;
  /** True when what depends on the caller is for this requester's eyes only: it came with a credential of its own. */
  readonly isApart: boolean;
  /** True while a proof lives: linked content may be given without asking. */
  proven(): boolean;
  /**
   * True while an answer that the upstream gave to this very requester at `at` (milliseconds since the epoch) is not overtaken: no
   * refusal came since, and the credential has not ended.
   */
  holds(at: number): boolean;
  /** True when what is here may be given although the upstream cannot be asked just now. */
  mayBridge(): boolean;
  /** Asks the upstream in the requester's name; throws as `Upstream.request` does. */
  request(request: RepositoryRequest): Promise<UpstreamResponse>;
  /** What was decided last; undefined before anything was. Who falls back on an older proof notes `outage`. */
  decision: Decision | undefined;
}
