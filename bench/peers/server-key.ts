/** Key (P-256) and certificate, PEM, the same for all servers. */
export interface ServerKey {
  readonly key: string;
  readonly cert: string;
}
