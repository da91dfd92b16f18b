/** How containerd finds the relay, and knows it. */
export interface RelayPlace {
  readonly url: string;
  /** The authority that signed the relay's certificate, PEM. */
  readonly ca: string;
}
