import type { Presence } from '../../store/types.ts';

/** Everything that decides the next step of a blob request. A property is read only where it matters. */
export interface BlobFacts {
  readonly isHead: boolean;
  /** True once headers are out: the answer can only go on or break off. */
  readonly hasBegun: boolean;
  /** State of the stored blob in this round. `absent` also stands for a blob that the store could not open in this round. */
  readonly presence: Presence;
  /** True once the upstream has said to this caller, during this request, that the repository has the blob. */
  readonly isConfirmed: boolean;
  /** True once this caller has been given access to the stored blob during this request. */
  readonly isAuthorized: boolean;
  /** Reading this property notes the decision for the metrics. */
  readonly hasLiveProof: boolean;
  /** The fill of this blob, if one runs or the request takes part in one. */
  readonly fill: FillFacts | undefined;
}

/** A fill as one request sees it. */
export interface FillFacts {
  /**
   * `opening` or `open` while the request takes no part: the upstream has not accepted yet, or it has. After the request has started
   * or joined the fill and waited for the upstream: `joined` if there is a body to read, `unstored` if the store has no room for the
   * body, `failed` otherwise.
   */
  readonly state: 'opening' | 'open' | 'joined' | 'unstored' | 'failed';
  /** True if the upstream refused this caller, when the fill asked in the caller's name. */
  readonly refusesCaller: boolean;
  /** True if the upstream's answer to the fill is its answer to this caller too. */
  readonly speaksForCaller: boolean;
  /** True if a caller of the fill whom the upstream has not refused asks through this repository. */
  readonly asksInRepository: boolean;
  /** True if the upstream has said to a caller of the fill that this repository has the blob. */
  readonly isInRepository: boolean;
  readonly knowsSize: boolean;
}

/** The next step. A step either ends the request or changes the facts; then the next step is decided. */
export type BlobStep =
  /** Send the stored bytes. */
  | 'serve'
  /** Check the caller's access, in an outage by an older proof; then send the stored bytes. */
  | 'authorizeAndServe'
  /** Let the upstream confirm the blob to this caller; then send the stored bytes. */
  | 'confirmAndServe'
  /** Answer a HEAD with the size that the fill knows. */
  | 'sizeFromFill'
  /** Answer a HEAD with the size that the upstream gives to this caller. */
  | 'sizeFromUpstream'
  /** Start a fill in the caller's name, and wait until the upstream has accepted. */
  | 'start'
  /** Join the fill, and wait until the upstream has accepted. */
  | 'join'
  /** Let the upstream confirm the blob to this caller; then begin a new round. */
  | 'confirm'
  /** Send the bytes of the fill as they come. */
  | 'read'
  /** Pass on the answer that the fill got and could not store. */
  | 'takeOver'
  /** Ask for the body in the caller's name, and pass it on. */
  | 'bypass'
  /** Relay the upstream's refusal. */
  | 'refuse'
  /** Throw the failure of the fill. */
  | 'fail';

/**
 * Decides the next step of a blob request (decision 0005; docs/laws.md, "Right caller" and "One body").
 *
 * ```
 *            ┌──────────────────────────── next round ◀────────────────────────────────────┐
 *            ▼                                                                             │
 *  the stored blob is                                                                      │
 *    linked ─────────── live proof, or confirmed ───▶ serve ─────┬─ all sent ──▶ answered  │
 *       └────────────── otherwise ──────▶ authorizeAndServe ─────┤                         │
 *    unlinked ───────── confirmed ──────────────────▶ serve ─────┼─ damaged ──────────────▶┤
 *       └────────────── otherwise ────────▶ confirmAndServe ─────┤                         │
 *    absent, foreign ◀─────────────────────── not to be opened ◀─┘                         │
 *       │                                                                                  │
 *  HEAD ├────────────── live proof, and the fill is in the repository ─▶ sizeFromFill      │
 *       └────────────── otherwise ─────────────────────────────────────▶ sizeFromUpstream  │
 *                                                                                          │
 *  GET, and the fill                                                                       │
 *    does not exist ──▶ start ────────────────────────┐                                    │
 *    runs ───────────── refused ──────────▶ refuse    │                                    │
 *       ├────────────── access ───────────▶ join ─────┤                                    │
 *       └────────────── no access ────────▶ confirm ──┼───────────────────────────────────▶┤
 *    was waited for ◀─────────────────────────────────┘                                    │
 *       ├────────────── refused ──────────▶ refuse                                         │
 *       ├────────────── failed ───────────▶ fail                                           │
 *       ├────────────── no room ──────────▶ takeOver, bypass, or fail if the answer began  │
 *       ├────────────── access ───────────▶ read ────────────────┬─ all sent ──▶ answered  │
 *       │                                                        └─ damaged, or ended ────▶┤
 *       └────────────── no access ────────▶ confirm ──────────────────────────────────────▶┘
 * ```
 */
export function decideBlob(facts: BlobFacts): BlobStep {
  switch (facts.presence) {
    case 'linked':
      return facts.isConfirmed || facts.hasLiveProof ? 'serve' : 'authorizeAndServe';
    case 'unlinked':
      // No older proof counts here, not even in an outage: only the upstream can say that the repository has the blob.
      return facts.isConfirmed ? 'serve' : 'confirmAndServe';
    case 'foreign':
    case 'absent':
      return facts.isHead ? decideHead(facts) : decideGet(facts);
  }
}

/** A manifest that names a blob does not show that the repository has it (decision 0005, T3), so its sizes are not used here. */
function decideHead(facts: BlobFacts): BlobStep {
  const { fill } = facts;
  const mayUseFill = fill !== undefined && facts.hasLiveProof && fill.isInRepository;
  return mayUseFill && fill.knowsSize ? 'sizeFromFill' : 'sizeFromUpstream';
}

function decideGet(facts: BlobFacts): BlobStep {
  const { fill } = facts;
  if (fill === undefined) return 'start';
  const { state } = fill;
  // An open fill goes on in another caller's name; there `confirm` asks again for a caller whom the upstream has refused.
  if (state !== 'open' && fill.refusesCaller) return 'refuse';
  if (state === 'failed' || (state === 'unstored' && facts.hasBegun)) return 'fail';
  const hasAccess = facts.isConfirmed || facts.isAuthorized;
  if (state === 'opening' || state === 'open') {
    const mayJoin = hasAccess || fill.speaksForCaller || (facts.hasLiveProof && fill.asksInRepository);
    return mayJoin ? 'join' : 'confirm';
  }
  const mayRead = hasAccess || fill.isInRepository;
  if (state === 'unstored') return mayRead ? 'takeOver' : 'bypass';
  return mayRead ? 'read' : 'confirm';
}
