/** What a caller presents to one upstream, as that upstream will be asked with it. */
export interface Presented {
  /** The `Authorization` that goes to the upstream; undefined: there is none to send, and only what was proven earlier counts. */
  readonly authorization: string | undefined;
  /**
   * A name for the credential that tells nothing of it (an HMAC): key of proofs, of cool-downs, and of what may not be shared
   * between callers.
   */
  readonly account: string;
}
