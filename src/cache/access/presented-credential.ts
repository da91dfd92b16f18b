/** The credential that a caller presents to one upstream. */
export interface PresentedCredential {
  /** The `Authorization` that goes to the upstream. Undefined: none can be sent, and only earlier proofs count. */
  readonly authorization: string | undefined;
  /**
   * HMAC of the credential, which reveals nothing of it. Keys proofs, rate limits, and everything that callers must not
   * share.
   */
  readonly credentialId: string;
}
